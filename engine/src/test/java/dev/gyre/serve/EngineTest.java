package dev.gyre.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.Targets;
import dev.gyre.adapter.method.Methods;
import dev.gyre.config.UserError;
import dev.gyre.model.Effects;
import dev.gyre.model.Model;
import dev.gyre.model.PicoModels;
import dev.gyre.model.Tokens;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The decode loop: what a sequence yields is its own affair, and nothing is left behind. */
class EngineTest {
    private static final Engine.Listener SILENT = (sequence, id) -> {};
    private final Model model = PicoModels.plain(DType.F32);
    private final List<Adapter> adapters = new ArrayList<>();
    private Scope scope;

    @BeforeEach
    void open() {
        scope = Scope.open();
    }

    @AfterEach
    void close() {
        scope.close();
        adapters.forEach(Adapter::close);
        model.close();
    }

    private Effects effects(String method, Map<String, Object> settings) {
        var adapter = Adapter.attach(Methods.make(method, settings), Targets.allLinear(), model, 3);
        adapters.add(adapter);
        try (var _ = Scope.open();
                var random = Random.seeded(9)) {
            adapter.values().plusInPlace(random.normal(adapter.trainable()), 0.2);
        }
        try (var tape = Tape.off()) {
            return adapter.effects(tape);
        }
    }

    private static Request greedy(int[] prompt, List<Effects> adapters, int tokens) {
        return new Request(prompt, adapters, Sampling.GREEDY, tokens, Set.of());
    }

    private static final int[] SHORT = {5, 17, 60};
    private static final int[] LONG = {8, 2, 33, 71, 9, 9, 40, 12};

    /** The slow truth: the whole sequence again for each token, without a cache. */
    private int[] byRecomputing(int[] prompt, List<Effects> effects, int count) {
        int[] ids = prompt;
        for (int i = 0; i < count; i++) {
            try (var _ = Scope.open();
                    var tape = Tape.off()) {
                var tokens = Tokens.of(List.of(ids), effects);
                Tensor logits =
                        model.logits(tape, model.hidden(tape, tokens, List.of()), tokens.spans())
                                .value();
                ids = Arrays.copyOf(ids, ids.length + 1);
                ids[ids.length - 1] = logits.select(0, ids.length - 2).argmax(0).toInts()[0];
            }
        }
        return Arrays.copyOfRange(ids, prompt.length, ids.length);
    }

    @Test
    void theCacheChangesNothing() {
        try (var engine = new Engine(model, 64)) {
            var all = engine.run(List.of(greedy(LONG, List.of(), 12)), 1, SILENT);
            assertThat(all.getFirst().generated()).isEqualTo(byRecomputing(LONG, List.of(), 12));
        }
    }

    @Test
    void sequencesWithDifferentAdaptersDoNotDisturbEachOther() {
        var oft = List.of(effects("oft", Map.of("block", 8)));
        var lora = List.of(effects("lora", Map.of("rank", 3)));
        var both = List.of(oft.getFirst(), lora.getFirst());
        List<Request> requests =
                List.of(
                        greedy(SHORT, oft, 9),
                        greedy(LONG, List.of(), 5),
                        greedy(LONG, lora, 9),
                        greedy(SHORT, both, 7),
                        greedy(LONG, oft, 4));
        try (var engine = new Engine(model, 64)) {
            var together = engine.run(requests, 3, SILENT);
            for (int i = 0; i < requests.size(); i++) {
                Request r = requests.get(i);
                assertThat(together.get(i).generated())
                        .as("request %d", i)
                        .isEqualTo(byRecomputing(r.prompt(), r.adapters(), r.maxTokens()));
            }
        }
    }

    @Test
    void promptsThatBeginAlikeShareTheirBeginningAndNothingElse() {
        var prefix = List.of(effects("prefix-tuning", Map.of("tokens", 4)));
        var prompt = List.of(effects("prompt-tuning", Map.of("tokens", 3)));
        var oft = List.of(effects("oft", Map.of("block", 8)));
        for (List<Effects> adapters : List.of(List.<Effects>of(), oft, prefix, prompt)) {
            var requests = new ArrayList<Request>();
            for (int i = 0; i < 12; i++) {
                int[] ids = new int[20 + i % 3];
                for (int j = 0; j < ids.length; j++)
                    ids[j] = j < 16 ? 7 + j * j % 50 : 3 + (i * 7 + j) % 80;
                requests.add(greedy(ids, adapters, 6));
            }
            try (var engine = new Engine(model, 64)) {
                var together = engine.run(requests, 8, SILENT);
                for (int i = 0; i < requests.size(); i++)
                    assertThat(together.get(i).generated())
                            .as("request %d of %s", i, adapters)
                            .isEqualTo(byRecomputing(requests.get(i).prompt(), adapters, 6));
            }
        }
    }

    @Test
    void onePromptThatSharesLittleDoesNotKeepTheOthersFromSharingMuch() {
        var sequences = new ArrayList<Sequence>();
        for (int i = 0; i < 8; i++) {
            int[] ids = new int[30];
            int alike = i == 3 ? 10 : 25;
            for (int j = 0; j < ids.length; j++) ids[j] = j < alike ? 40 + j : 3 + i;
            sequences.add(new Sequence(greedy(ids, List.of(), 2)));
        }
        var passes = new ArrayList<Integer>();
        try (var _ = Scope.open();
                var off = Tape.off()) {
            SharedBeginnings.share(
                    sequences,
                    (leader, tokens) -> {
                        passes.add(tokens);
                        int[] ids = Arrays.copyOf(leader.request().prompt(), tokens);
                        model.hidden(
                                off, Tokens.of(List.of(ids), List.of()), List.of(leader.cache));
                    });
        }
        assertThat(passes).containsExactly(25);
        assertThat(sequences.stream().map(Sequence::seen))
                .containsExactly(25, 25, 25, 0, 25, 25, 25, 25);
        sequences.forEach(s -> s.cache.close());
    }

    @Test
    void samplingDependsOnItsSeedAlone() {
        var hot = new Sampling(1.5, 20, 0.9, 0.01, 1.2, 42);
        try (var engine = new Engine(model, 64)) {
            int[] alone =
                    engine.run(List.of(new Request(SHORT, List.of(), hot, 10, Set.of())), 1, SILENT)
                            .getFirst()
                            .generated();
            var inCompany =
                    engine.run(
                            List.of(
                                    new Request(LONG, List.of(), hot.withSeed(7), 10, Set.of()),
                                    new Request(SHORT, List.of(), hot, 10, Set.of())),
                            2,
                            SILENT);
            assertThat(inCompany.get(1).generated()).isEqualTo(alone);
            assertThat(inCompany.get(0).generated()).isNotEqualTo(alone);
        }
    }

    @Test
    void endsAtStopTokensLimitsAndTheContext() {
        int[] greedy = byRecomputing(SHORT, List.of(), 6);
        try (var engine = new Engine(model, 8)) {
            var stopped =
                    engine.run(
                                    List.of(
                                            new Request(
                                                    SHORT,
                                                    List.of(),
                                                    Sampling.GREEDY,
                                                    6,
                                                    Set.of(greedy[1]))),
                                    1,
                                    SILENT)
                            .getFirst();
            int expected = greedy[0] == greedy[1] ? 0 : 1;
            assertThat(stopped.generated()).hasSize(expected);
            assertThat(stopped.finish()).contains(Sequence.Finish.STOP);
            var full = engine.run(List.of(greedy(SHORT, List.of(), 100)), 1, SILENT).getFirst();
            assertThat(full.generated()).hasSize(5);
            assertThat(full.finish()).contains(Sequence.Finish.LENGTH);
            var asked =
                    engine.run(List.of(greedy(SHORT, List.of(), 100)), 1, (s, id) -> s.stop())
                            .getFirst();
            assertThat(asked.generated()).hasSize(1);
            assertThatThrownBy(() -> engine.add(greedy(LONG, List.of(), 1)))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("no room for an answer");
            assertThatThrownBy(() -> engine.add(greedy(new int[] {97}, List.of(), 1)))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("vocabulary");
        }
    }

    @Test
    void leavesNoTensorBehind() {
        long before = Scope.liveTensors();
        try (var engine = new Engine(model, 64)) {
            engine.add(greedy(LONG, List.of(), 30));
            engine.step(SILENT);
            engine.step(SILENT);
            long afterTwo = Scope.liveTensors();
            for (int i = 0; i < 20; i++) engine.step(SILENT);
            assertThat(Scope.liveTensors()).isEqualTo(afterTwo);
            engine.run(List.of(greedy(SHORT, List.of(), 5)), 4, SILENT);
            engine.add(greedy(SHORT, List.of(), 5));
            engine.step(SILENT);
        }
        assertThat(Scope.liveTensors()).isEqualTo(before);
    }

    @Test
    void topKOneIsGreedyAndPenaltyAvoidsRepeating() {
        float[] logits = {1, 3, 2, 3};
        assertThat(new Sampler(Sampling.GREEDY, new int[0]).next(logits.clone())).isEqualTo(1);
        assertThat(new Sampler(new Sampling(2, 1, 1, 0, 1, 5), new int[0]).next(logits.clone()))
                .isEqualTo(1);
        assertThat(new Sampler(new Sampling(0, 0, 1, 0, 2, 5), new int[] {1}).next(logits.clone()))
                .isEqualTo(3);
        assertThat(new Sampler(new Sampling(1, 0, 1e-9, 0, 1, 5), new int[0]).next(logits.clone()))
                .isEqualTo(1);
        assertThatThrownBy(() -> new Sampling(-1, 0, 1, 0, 1, 0))
                .hasMessageContaining("temperature");
    }
}
