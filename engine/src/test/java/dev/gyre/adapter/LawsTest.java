package dev.gyre.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.adapter.method.Methods;
import dev.gyre.config.UserError;
import dev.gyre.merge.Merging;
import dev.gyre.model.Activations;
import dev.gyre.model.Effect;
import dev.gyre.model.Effects;
import dev.gyre.model.Hook;
import dev.gyre.model.Model;
import dev.gyre.model.PicoModels;
import dev.gyre.model.Slot;
import dev.gyre.model.Tokens;
import dev.gyre.serve.Engine;
import dev.gyre.serve.Request;
import dev.gyre.serve.Sampling;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.InScope;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;
import dev.gyre.train.MethodSpec;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The laws that every method of the registry obeys, on a tiny model with a bias everywhere. A
 * method that is not named below runs with its default settings.
 */
@ExtendWith(InScope.class)
class LawsTest {
    /** Settings that fit slots of 16, 32 and 48 features; a method may have several lines. */
    private static final List<String> CASES =
            List.of(
                    "oft:block=8",
                    "oft:blocks=4,exact=true",
                    "boft:block=4,factors=2",
                    "boft:blocks=4,factors=3",
                    "hra:rank=4",
                    "hra:rank=3,orthogonal=true",
                    "givens:stages=3",
                    "road:group=8",
                    "road:group=4,variant=2",
                    "road:group=16,variant=4",
                    "ia3",
                    "ia3:inputs=o_proj",
                    "hydra:parallel=2,sequential=3",
                    "hydra:parallel=0,sequential=2,scale=0.5",
                    "fourierft:frequencies=40",
                    "shira:rank=2",
                    "shira:rank=1,mask=weight",
                    "shira:rank=3,mask=struct,seed=5",
                    "shira:rank=1,mask=snip,skip=2",
                    "qwha:rank=2,scale=60",
                    "qwha:rank=1,scale=60,start=zero",
                    "paca:rank=3,alpha=6",
                    "s2ft:channels=4",
                    "s2ft:channels=4,group=2,reading=none",
                    "dora:rank=3",
                    "vera:rank=8",
                    "randlora:rank=5,alpha=5",
                    "tera:scale=4",
                    "loha:rank=3",
                    "pissa:rank=3",
                    "olora:rank=3",
                    "loftq:rank=3",
                    "lora-plus:rank=3,ratio=8",
                    "lora-fa:rank=3",
                    "lora-fa:rank=3,corrected=true",
                    "lora-pro:rank=3",
                    "lora-pro:rank=3,rule=sgd",
                    "lora-sb:rank=3",
                    "dylora:rank=4,least=2",
                    "lora-xs:rank=3",
                    "flylora:rank=4,active=2",
                    "prompt-tuning:tokens=3",
                    "prompt-tuning:tokens=2,start=random",
                    "prefix-tuning:tokens=3",
                    "prefix-tuning:tokens=2,start=zero",
                    "sequential:size=3",
                    "parallel:size=3,scale=0.5",
                    "invertible:size=3,scale=0.5,reduction=3",
                    "compacter:size=8,parts=4,rank=2",
                    "lokr:rank=1",
                    "lokr:rank=1,factor=4,decompose_both=true",
                    "lora:rank=3");

    /** What runs on an encoded base, because it starts at what the encoding lost. */
    private static final Set<String> ON_ENCODED = Set.of("loftq:rank=3", "qwha:rank=2,scale=60");

    /** What does not start as the base, and why. */
    private static final Map<String, String> STARTS_ELSEWHERE =
            Map.of(
                    "loftq:rank=3", "it starts nearer to what the base was before it was encoded",
                    "qwha:rank=2,scale=60",
                            "it starts nearer to what the base was before it was encoded",
                    "prompt-tuning:tokens=3", "attention sees virtual tokens whatever they are",
                    "prompt-tuning:tokens=2,start=random",
                            "attention sees virtual tokens whatever they are",
                    "prefix-tuning:tokens=3", "attention gives a prefix weight whatever it is",
                    "prefix-tuning:tokens=2,start=zero",
                            "attention gives a prefix weight whatever it is",
                    "hra:rank=3,orthogonal=true",
                            "reflections along orthogonal directions never cancel",
                    "lora-xs:rank=3", "its matrix starts at random numbers of about 1e-5");

    /** What its formula does not count exactly, and why. */
    private static final Map<String, String> COUNTED_OTHERWISE =
            Map.ofEntries(
                    Map.entry("ln_tuning", "it learns at norms, not at slots"),
                    Map.entry(
                            "invertible:size=3,scale=0.5,reduction=3", "the coupling is no slot's"),
                    Map.entry("compacter:size=8,parts=4,rank=2", "its rule is no slot's"),
                    Map.entry("prompt-tuning:tokens=3", "it learns before sequences, not at slots"),
                    Map.entry(
                            "prompt-tuning:tokens=2,start=random",
                            "it learns before sequences, not at slots"),
                    Map.entry("prefix-tuning:tokens=3", "it learns before sequences, not at slots"),
                    Map.entry(
                            "prefix-tuning:tokens=2,start=zero",
                            "it learns before sequences, not at slots"),
                    Map.entry("ia3", "a vector for an input is as long as the input"),
                    Map.entry(
                            "s2ft:channels=4",
                            "at a slot that reads channels it is channels * out"),
                    Map.entry("tera:scale=4", "its modes follow the divisors of the widths"),
                    Map.entry("lokr:rank=1", "its factors follow the divisors of the widths"),
                    Map.entry(
                            "lokr:rank=1,factor=4,decompose_both=true",
                            "its factors follow the divisors of the widths"));

    /** What learns along something else than its gradient, and why. */
    private static final Map<String, String> NOT_A_GRADIENT =
            Map.of(
                    "dora:rank=3",
                    "by the paper's section 4.3 the rows' lengths are constants to it");

    private static final List<int[]> SEQUENCES =
            List.of(new int[] {5, 9, 33, 2, 70}, new int[] {8, 1, 4});
    private static final int[] LABELS = {9, -1, 2, 70, -1, 1, 4, -1};

    private static Model plain;
    private static Model wide;
    private static Model encoded;
    private static Model encodedWide;
    private static final Set<String> RUN = new LinkedHashSet<>();

    @BeforeAll
    static void load() {
        plain = PicoModels.of(DType.F32, false, true, Activations.KEEP);
        wide = PicoModels.of(DType.F64, false, true, Activations.KEEP);
        encoded = PicoModels.encoded(DType.F32, "nf4");
        encodedWide = PicoModels.encoded(DType.F64, "nf4");
    }

    @AfterAll
    static void unload() {
        plain.close();
        wide.close();
        encoded.close();
        encodedWide.close();
    }

    @AfterAll
    static void tell() {
        System.out.println("laws: " + RUN.size() + " cases of " + Methods.ALL.size() + " methods");
        STARTS_ELSEWHERE.forEach(
                (c, why) -> System.out.println("  starts elsewhere: " + c + ": " + why));
        NOT_A_GRADIENT.forEach(
                (c, why) -> System.out.println("  not a gradient: " + c + ": " + why));
        COUNTED_OTHERWISE.forEach(
                (c, why) -> System.out.println("  counted otherwise: " + c + ": " + why));
    }

    static Stream<String> cases() {
        var all = new LinkedHashSet<>(CASES);
        for (MethodKind kind : Methods.ALL)
            if (CASES.stream().noneMatch(c -> named(c).equals(kind.name()))) all.add(kind.name());
        RUN.addAll(all);
        return all.stream();
    }

    static Stream<String> methods() {
        return Methods.ALL.stream().map(MethodKind::name);
    }

    private static String named(String word) {
        return MethodSpec.of(word).name();
    }

    private static Method method(String word) {
        var spec = MethodSpec.of(word);
        return Methods.make(spec.name(), spec.settings());
    }

    private static Model model(String word) {
        return ON_ENCODED.contains(word) ? encoded : plain;
    }

    private static Model wideModel(String word) {
        return ON_ENCODED.contains(word) ? encodedWide : wide;
    }

    private static Adapter fresh(String word, Model on) {
        return Adapter.attach(method(word), Targets.allLinear(), on, 3);
    }

    /** Away from where it starts, so that zeros hide nothing. */
    private static Adapter moved(String word, Model on) {
        Adapter adapter = fresh(word, on);
        try (var _ = Scope.open();
                var random = Random.seeded(17)) {
            adapter.values().plusInPlace(random.normal(adapter.trainable()), 0.1);
        }
        adapter.updated();
        return adapter;
    }

    private static Effects effects(Adapter adapter) {
        return adapter.effects(Tape.off());
    }

    private static Tensor logits(Model model, List<int[]> sequences, List<Effects> adapters) {
        Tokens tokens = Tokens.of(sequences, adapters);
        try (var tape = Tape.off()) {
            return model.logits(tape, model.hidden(tape, tokens, List.of()), tokens.spans())
                    .value();
        }
    }

    private static double distance(Tensor a, Tensor b) {
        return a.minus(b).abs().max().item() / b.abs().max().item();
    }

    /** A law; where a case is exempt it must be broken, or the exemption is one too many. */
    private static void holds(String word, Map<String, String> exempt, Runnable law) {
        if (!exempt.containsKey(word)) law.run();
        else assertThatThrownBy(law::run).as(word).isInstanceOf(AssertionError.class);
    }

    // ---- the laws

    @ParameterizedTest
    @MethodSource("cases")
    void startsAsTheBase(String word) {
        holds(word, STARTS_ELSEWHERE, () -> checkStart(word));
    }

    private static void checkStart(String word) {
        Model model = model(word);
        try (var adapter = fresh(word, model)) {
            assertThat(
                            distance(
                                    logits(model, SEQUENCES, List.of(effects(adapter))),
                                    logits(model, SEQUENCES, List.of())))
                    .isLessThan(2e-6);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void mergedEqualsUnmerged(String word) {
        Model model = model(word);
        try (var adapter = moved(word, model)) {
            Effects effects = effects(adapter);
            Tensor unmerged = logits(model, SEQUENCES, List.of(effects));
            assertThat(distance(unmerged, logits(model, SEQUENCES, List.of()))).isGreaterThan(1e-3);
            assertThat(parts(effects))
                    .isSubsetOf(Methods.named(named(word)).parts().split(" (\\+|or) "));
            List<String> reasons =
                    Stream.concat(
                                    effects.slots().values().stream()
                                            .filter(Effect.Gated.class::isInstance)
                                            .map(e -> ((Effect.Gated) e).whyNotMerged()),
                                    effects.hooks().values().stream().map(Hook::whyNotMerged))
                            .toList();
            assertThat(Methods.named(named(word)).merges()).isEqualTo(reasons.isEmpty());
            if (!reasons.isEmpty()) {
                assertThatThrownBy(() -> new Merging(model, List.of(effects)))
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining(reasons.getFirst());
                return;
            }
            var merging = new Merging(model, List.of(effects));
            var parameters = new HashMap<String, Var>();
            for (Slot slot : model.slots())
                parameters.put(slot.name() + ".weight", Var.constant(merging.weight(slot)));
            merging.vectors().forEach((name, value) -> parameters.put(name, Var.constant(value)));
            var merged = new Effects(Map.of(), parameters);
            assertThat(distance(logits(model, SEQUENCES, List.of(merged)), unmerged))
                    .isLessThan(2e-5);
        }
    }

    /** The parts of its effects, in the words of the registry. */
    private static Set<String> parts(Effects effects) {
        var parts = new LinkedHashSet<String>();
        for (Effect effect : effects.slots().values()) {
            switch (effect) {
                case Effect.Gated g -> parts.add("gated");
                case Effect.Linear e -> {
                    if (e.before() != null) parts.add("before");
                    if (e.after() != null) parts.add("after");
                    if (e.beside() != null) parts.add("beside");
                }
            }
        }
        for (Hook hook : effects.hooks().values()) {
            switch (hook) {
                case Hook.VirtualTokens v -> parts.add("virtual tokens");
                case Hook.Prefix p -> parts.add("keys and values");
                case Hook.Mapped m -> parts.add("gated");
            }
        }
        return parts;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void survivesSaveAndLoad(String word, @TempDir Path temporary) throws IOException {
        Model model = model(word);
        Path folder = temporary.resolve("once");
        Path twice = temporary.resolve("twice");
        try (var adapter = moved(word, model)) {
            AdapterFile.write(adapter, folder, "base");
            var warnings = new ArrayList<String>();
            try (var again = AdapterFile.read(folder, model, Reading.strict(warnings::add))) {
                AdapterFile.write(again, twice, "base");
                assertThat(twice.resolve(AdapterFile.CONFIG))
                        .hasSameTextualContentAs(folder.resolve(AdapterFile.CONFIG));
                assertThat(warnings).isEmpty();
                assertThat(again.values().sameAs(adapter.values())).isTrue();
                assertThat(again.files().keySet()).isEqualTo(adapter.files().keySet());
                assertThat(
                                logits(model, SEQUENCES, List.of(effects(again)))
                                        .sameAs(
                                                logits(
                                                        model,
                                                        SEQUENCES,
                                                        List.of(effects(adapter)))))
                        .isTrue();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyTensorLearns(String word) {
        Model model = model(word);
        try (var adapter = fresh(word, model)) {
            var start = new LinkedHashMap<String, Tensor>();
            adapter.learned().forEach((name, var) -> start.put(name, var.value().copy()));
            for (int step = 1; step <= 3; step++) {
                adapter.stepBegins(step);
                adapter.gradients().zeroInPlace();
                try (var _ = Scope.open();
                        var outer = Tape.recording(step);
                        var inner = Tape.recording(step)) {
                    var tokens = Tokens.of(SEQUENCES, List.of(adapter.effects(outer)));
                    inner.backward(model.loss(inner, tokens, LABELS, 0.2));
                    outer.backward();
                    adapter.gradientsReady();
                    Tensor g = adapter.gradients();
                    Tensor size = g.abs().plus(1e-9);
                    adapter.values().plusQuotientInPlace(g, size, -1e-2);
                }
                adapter.updated();
            }
            start.forEach(
                    (name, was) -> {
                        Tensor now =
                                java.util.Objects.requireNonNull(adapter.learned().get(name))
                                        .value();
                        assertThat(now.allFinite()).as(name).isTrue();
                        assertThat(now.sameAs(was)).as(name + " stands still").isFalse();
                    });
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void gradientsAreWhatDifferencesSay(String word) {
        holds(word, NOT_A_GRADIENT, () -> checkGradients(word));
    }

    private static void checkGradients(String word) {
        try (var adapter = moved(word, wideModel(word))) {
            double[] at = adapter.values().toDoubles();
            double[] gradient = new double[at.length];
            loss(adapter, at, gradient);
            double h = 1e-5;
            for (int i = 0; i < at.length; i += Math.max(1, at.length / 20)) {
                double[] up = at.clone();
                double[] down = at.clone();
                up[i] += h;
                down[i] -= h;
                double numeric = (loss(adapter, up, NONE) - loss(adapter, down, NONE)) / (2 * h);
                assertThat(gradient[i])
                        .as("number %d", i)
                        .isCloseTo(numeric, within(2e-6 * Math.max(1, Math.abs(numeric))));
            }
        }
    }

    private static final double[] NONE = {};

    /** The loss with the learned numbers in f64, and its gradient there. */
    private static double loss(Adapter adapter, double[] values, double[] gradientOut) {
        boolean wanted = gradientOut.length > 0;
        try (var _ = Scope.open();
                var outer = wanted ? Tape.recordingWithoutDropout() : Tape.off();
                var inner = wanted ? Tape.recordingWithoutDropout() : Tape.off()) {
            Tensor all = Tensor.of(values);
            Tensor gradients = Tensor.zeros(DType.F64, values.length);
            var vars = new LinkedHashMap<String, Var>();
            long at = 0;
            for (var entry : adapter.learned().entrySet()) {
                long[] shape = entry.getValue().value().shape();
                long n = entry.getValue().value().elements();
                vars.put(
                        entry.getKey(),
                        Var.leaf(
                                all.narrow(0, at, n).view(shape),
                                gradients.narrow(0, at, n).view(shape)));
                at += n;
            }
            adapter.frozen()
                    .forEach((name, v) -> vars.put(name, Var.constant(v.value().to(DType.F64))));
            Effects effects =
                    adapter.method()
                            .attach(adapter.slots(), adapter.model())
                            .effects(outer, new Learned(vars));
            Var loss =
                    adapter.model()
                            .loss(inner, Tokens.of(SEQUENCES, List.of(effects)), LABELS, 0.5);
            double value = loss.value().item();
            if (wanted) {
                inner.backward(loss);
                outer.backward();
                double[] got = gradients.toDoubles();
                System.arraycopy(got, 0, gradientOut, 0, got.length);
            }
            return value;
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void servedEqualsTrainedWhateverElseIsServed(String word) {
        Model model = model(word);
        try (var adapter = moved(word, model);
                var other = moved("lora:rank=2", model)) {
            var own = List.of(effects(adapter));
            var both = List.of(own.getFirst(), effects(other));
            int[] prompt = {5, 17, 60};
            int[] longer = {8, 2, 33, 71, 9, 9, 40, 12};
            List<Request> requests =
                    List.of(
                            request(prompt, own),
                            request(longer, List.of()),
                            request(longer, List.of(effects(other))),
                            request(prompt, both),
                            request(longer, own));
            try (var engine = new Engine(model, 64)) {
                var together = engine.run(requests, 4, (sequence, id) -> {});
                for (int i = 0; i < requests.size(); i++)
                    assertThat(together.get(i).generated())
                            .as("request %d", i)
                            .isEqualTo(byRecomputing(model, requests.get(i)));
            }
        }
    }

    private static Request request(int[] prompt, List<Effects> adapters) {
        return new Request(prompt, adapters, Sampling.GREEDY, 6, Set.of());
    }

    /** The whole sequence again for each token, as training sees it. */
    private static int[] byRecomputing(Model model, Request request) {
        int[] ids = request.prompt();
        for (int i = 0; i < request.maxTokens(); i++) {
            try (var _ = Scope.open()) {
                Tensor logits = logits(model, List.of(ids), request.adapters());
                ids = Arrays.copyOf(ids, ids.length + 1);
                ids[ids.length - 1] = logits.select(0, ids.length - 2).argmax(0).toInts()[0];
            }
        }
        return Arrays.copyOfRange(ids, request.prompt().length, ids.length);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void learnsAsManyNumbersAsItsFormulaSays(String word) {
        holds(word, COUNTED_OTHERWISE, () -> checkCount(word));
    }

    private static void checkCount(String word) {
        MethodKind kind = Methods.named(named(word));
        assertThat(kind.count()).as("a formula for " + word).isNotBlank();
        try (var adapter = fresh(word, model(word))) {
            double expected = 0;
            for (Slot slot : adapter.slots())
                expected += Formula.of(kind.count(), name -> value(name, word, kind, slot));
            assertThat((double) adapter.trainable()).isEqualTo(expected);
        }
    }

    private static double value(String name, String word, MethodKind kind, Slot slot) {
        Map<String, Object> given = MethodSpec.of(word).settings();
        if (name.equals("in")) return slot.in();
        if (name.equals("out")) return slot.out();
        if (given.get(name) instanceof Number n) return n.doubleValue();
        if (name.equals("block") && given.get("blocks") instanceof Number n)
            return slot.in() / n.doubleValue();
        String about = kind.settings().get(name);
        if (about == null) throw new AssertionError("the formula's " + name + " is no setting");
        return Double.parseDouble(about.substring(0, about.indexOf(':')));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void aBadSettingIsAnErrorThatNamesIt(String name) {
        assertThatThrownBy(() -> Methods.make(name, Map.of("no_such_setting", 1)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(name)
                .hasMessageContaining("no_such_setting");
        for (String key : Methods.named(name).settings().keySet())
            assertThatThrownBy(() -> Methods.make(name, Map.of(key, List.of(1))))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(name)
                    .hasMessageContaining(key);
    }

    @ParameterizedTest
    @MethodSource("methods")
    void saysWhatItIs(String name) {
        MethodKind kind = Methods.named(name);
        assertThat(kind.summary()).isNotBlank();
        assertThat(kind.parts()).isNotBlank();
        assertThat(kind.settings()).allSatisfy((key, about) -> assertThat(about).contains(": "));
        String first = cases().filter(c -> named(c).equals(name)).findFirst().orElseThrow();
        assertThat(method(first).learningRate()).isBetween(1e-6, 1.0);
        assertThat(Methods.of(method(first))).isSameAs(kind);
    }
}
