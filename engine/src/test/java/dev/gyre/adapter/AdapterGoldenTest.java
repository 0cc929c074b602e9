package dev.gyre.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.config.Tree;
import dev.gyre.model.Effects;
import dev.gyre.model.Families;
import dev.gyre.model.Loading;
import dev.gyre.model.Model;
import dev.gyre.model.Tokens;
import dev.gyre.tensor.InScope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * PEFT's adapters, of every kind of setting, give PEFT's outputs and gradients here; ours are
 * PEFT's files.
 */
@ExtendWith(InScope.class)
class AdapterGoldenTest {
    private static final Map<String, Model> MODELS = new HashMap<>();
    private static final Reading READING = Reading.strict(warning -> {});

    @AfterAll
    static void closeModels() {
        MODELS.values().forEach(Model::close);
        MODELS.clear();
    }

    record Case(String name, String model, List<String> adapters) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                        "cases.json",
                        "cases-low-rank.json",
                        "cases-around.json",
                        "cases-prompts.json")
                .flatMap(list -> Golden.json("adapters/" + list).items().stream())
                .map(
                        c ->
                                new Case(
                                        c.need("case").text(),
                                        c.need("model").text(),
                                        c.need("adapters").items().stream()
                                                .map(Tree::text)
                                                .toList()));
    }

    private static Model model(String name) {
        return MODELS.computeIfAbsent(
                name,
                n -> Families.open(Golden.ROOT.resolve("pico-llama").resolve(n), Loading.PLAIN));
    }

    private static List<Adapter> adapters(Case c) {
        return c.adapters.stream()
                .map(
                        a ->
                                AdapterFile.read(
                                        Golden.ROOT.resolve("adapters").resolve(a),
                                        model(c.model),
                                        READING))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void givesPeftsLogitsAndGradients(Case c) {
        String expected = "adapters/" + c.name + "/expected.safetensors";
        Model model = model(c.model);
        List<Adapter> adapters = adapters(c);
        Tensor ids = Golden.tensor(expected, "ids");
        List<int[]> sequences = Golden.sequences(ids);
        Tensor logits = Golden.tensor(expected, "logits");
        long kept = logits.size(1);
        long length = ids.size(1);

        try (var outer = Tape.recordingWithoutDropout();
                var inner = Tape.recordingWithoutDropout()) {
            List<Effects> effects = adapters.stream().map(a -> a.effects(outer)).toList();
            var tokens = Tokens.of(sequences, effects);
            try (var off = Tape.off()) {
                Tensor all =
                        model.logits(off, model.hidden(off, tokens, List.of()), tokens.spans())
                                .value();
                Tensor last = all.view(sequences.size(), length, -1).narrow(1, length - kept, kept);
                assertThat(distance(last, logits)).as("logits").isLessThan(1e-4);
            }
            double weight = 1.0 / (sequences.size() * (length - 1));
            inner.backward(model.loss(inner, tokens, labels(sequences), weight));
            outer.backward();
        }
        int compared = 0;
        for (String name : Golden.names(expected)) {
            if (!name.startsWith("grad.")) continue;
            Tensor theirs = Golden.tensor(expected, name);
            Tensor ours = gradient(c, adapters, name.substring("grad.".length()));
            assertThat(ours.shape()).as(name).isEqualTo(theirs.shape());
            assertThat(distance(ours, theirs))
                    .as(name)
                    .isLessThan(1e-4 * Math.max(1, theirs.abs().max().item()));
            compared++;
        }
        assertThat(compared).isGreaterThan(0);
        adapters.forEach(Adapter::close);
    }

    private static int[] labels(List<int[]> sequences) {
        var labels = new ArrayList<Integer>();
        for (int[] s : sequences) {
            for (int i = 1; i < s.length; i++) labels.add(s[i]);
            labels.add(-1);
        }
        return labels.stream().mapToInt(i -> i).toArray();
    }

    /** Of several adapters, a key begins with its adapter's name. */
    private static Tensor gradient(Case c, List<Adapter> adapters, String key) {
        int which = 0;
        String own = key;
        for (int i = 0; i < c.adapters.size() && adapters.size() > 1; i++) {
            String prefix = c.adapters.get(i) + ".";
            if (!key.startsWith(prefix)) continue;
            which = i;
            own = key.substring(prefix.length());
        }
        Var var = adapters.get(which).files().get(own);
        if (var == null) throw new AssertionError("no learned tensor " + key);
        return var.gradientOrThrow();
    }

    private static double distance(Tensor a, Tensor b) {
        return a.minus(b).abs().max().item();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void survivesWritingAndReading(Case c, @TempDir Path folder) {
        for (Adapter adapter : adapters(c)) {
            Path own = folder.resolve("own");
            AdapterFile.write(adapter, own, "base");
            Adapter again = AdapterFile.read(own, model(c.model), READING);
            assertThat(again.values().sameAs(adapter.values())).isTrue();
            assertThat(again.method()).isEqualTo(adapter.method());
            assertThat(again.learned().keySet()).isEqualTo(adapter.learned().keySet());
            again.close();
            adapter.close();
        }
    }
}
