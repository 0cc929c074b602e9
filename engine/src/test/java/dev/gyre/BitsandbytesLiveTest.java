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

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * NF4 and int8 between here and bitsandbytes: transformers loads our folders, we open those that it
 * saves, and every weight decodes to the same numbers, bit for bit. The model is tiny; its rows of
 * 96 are no whole blocks, and bitsandbytes 0.50 cannot multiply with those on a processor, so
 * nothing is multiplied.
 */
@Peers.Needed
class BitsandbytesLiveTest {
    private static final Path PLAIN = Path.of("src/test/resources/golden/pico-llama/own-head");

    @TempDir Path folder;

    private final Peers peers = Peers.here();

    @Test
    void nf4FoldersDecodeAlikeBothWays() throws IOException {
        check("nf4");
    }

    @Test
    void int8FoldersDecodeAlikeBothWays() throws IOException {
        check("int8");
    }

    private void check(String kind) throws IOException {
        Path ours = folder.resolve("our-folder");
        Gyre.start(Gyre.Machine.auto(), new Silent())
                .encode(
                        Gyre.Source.of(PLAIN.toString()),
                        new Gyre.Encoding(kind, ours, false, 10),
                        _ -> {});
        Path made = folder.resolve("their-folder");
        Path out = Files.createDirectories(folder.resolve("decoded"));
        peers.script(
                "check_bitsandbytes.py",
                "--kind",
                kind,
                "--plain",
                PLAIN,
                "--ours",
                ours,
                "--made",
                made,
                "--out",
                out);
        compare(kind, ours, out.resolve("ours.safetensors"));
        compare(kind, made, out.resolve("made.safetensors"));
    }

    private static void compare(String kind, Path model, Path decoded) {
        int compared = 0;
        try (var arena = Arena.ofConfined();
                var opened = Families.open(model, Loading.PLAIN);
                var _ = Scope.open()) {
            var theirs = Safetensors.open(decoded, arena);
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
