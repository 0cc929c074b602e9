package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.format.Safetensors;
import dev.gyre.model.Families;
import dev.gyre.model.Loading;
import dev.gyre.model.Slot;
import dev.gyre.quant.Encodings;
import dev.gyre.tensor.Scope;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * NF4 and int8 between here and bitsandbytes: transformers loads our folders, we open those that it
 * saves, and every weight decodes to the same numbers, bit for bit. Nothing is multiplied: the
 * model is tiny, and bitsandbytes 0.50 cannot do that on a processor where rows are no whole
 * blocks.
 */
@Peers.Needed
class BitsandbytesLiveTest {
    private static final Path PLAIN = Path.of("src/test/resources/golden/pico-llama/own-head");

    private static final List<String> KINDS = List.of("nf4", "int8");

    @TempDir Path folder;

    private final Peers peers = Peers.here();

    @Test
    void weightsDecodeAlikeBothWays() {
        var gyre = Gyre.start(Gyre.Machine.auto(), new Silent());
        for (String kind : KINDS)
            gyre.encode(
                    Gyre.Source.of(PLAIN.toString()),
                    new Gyre.Encoding(kind, folder.resolve("ours-" + kind), false, 10),
                    _ -> {});
        var arguments = new ArrayList<Object>(List.of("--plain", PLAIN, "--at", folder));
        arguments.addAll(KINDS);
        peers.script("check_bitsandbytes.py", arguments.toArray());
        for (String kind : KINDS)
            for (String whose : List.of("ours-", "made-"))
                compare(kind, folder.resolve(whose + kind));
    }

    private static void compare(String kind, Path model) {
        int compared = 0;
        try (var arena = Arena.ofConfined();
                var opened = Families.open(model, Loading.PLAIN);
                var _ = Scope.open()) {
            var theirs = Safetensors.open(Path.of(model + ".safetensors"), arena);
            for (Slot slot : opened.slots()) {
                if (slot.kind() != Slot.Kind.LINEAR) continue;
                assertThat(slot.weight().encoding()).isEqualTo(kind);
                assertThat(slot.weight().dense().toFloats())
                        .as(slot.name())
                        .isEqualTo(Encodings.decode(theirs.tensor(slot.name() + ".weight")));
                compared++;
            }
        }
        assertThat(compared).isEqualTo(14);
    }
}
