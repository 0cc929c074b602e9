package dev.gyre.cli;

import dev.gyre.Decoding;
import dev.gyre.Gyre;
import dev.gyre.Piece;
import dev.gyre.Prompt;
import dev.gyre.config.UserError;
import dev.gyre.data.quickstart.ShopQueries;
import dev.gyre.train.MethodSpec;
import dev.gyre.train.Recipe;
import dev.gyre.train.TrainEvent;
import dev.gyre.train.TrainFailed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** An engine that does as it is told, so that commands can be tested without a model. */
final class ScriptedGyre implements Gyre {
    final List<String> calls = new ArrayList<>();
    Recipe trained = Recipe.of("none", Path.of("none"), Path.of("none"));
    boolean diverges;

    @Override
    public TrainEvent.Done train(Recipe recipe, boolean overwrite, Consumer<TrainEvent> events) {
        trained = recipe;
        calls.add("train " + overwrite);
        if (recipe.base().equals("bug")) throw new IllegalStateException("a bug");
        if (recipe.base().equals("huge")) throw new OutOfMemoryError("no memory for 9 bytes");
        if (recipe.base().equals("huge for torch"))
            throw new RuntimeException(
                    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't"
                            + " allocate memory: you tried to allocate 9 bytes.\nframe #0");
        if (recipe.base().equals("nowhere")) throw new UserError("no model nowhere");
        int steps = recipe.steps().orElse(3);
        events.accept(new TrainEvent.Started(steps, 10, 1_000, 9_000, "cpu, 2 threads", recipe));
        for (int step = 1; step <= steps; step++) {
            if (diverges && step == 2) {
                events.accept(new TrainEvent.Stopped(step, "the loss is NaN"));
                throw new TrainFailed("step 2: the loss is NaN");
            }
            events.accept(
                    new TrainEvent.Stepped(
                            step, 2.0 / step, 10, 20, 1e-3, 0.5, Duration.ofMillis(100)));
        }
        try {
            Files.createDirectories(recipe.out());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        events.accept(new TrainEvent.Saved(steps, recipe.out()));
        var done =
                new TrainEvent.Done(steps, Duration.ofSeconds(1), 200, 1_500_000_000, recipe.out());
        events.accept(done);
        return done;
    }

    @Override
    public Gyre reading(AdapterFiles how) {
        if (!how.equals(AdapterFiles.strict())) calls.add(how.toString());
        return this;
    }

    @Override
    public Loaded open(Source source) {
        calls.add("open " + source.base() + " " + source.adapters() + " " + source.template());
        return new Answers(!source.adapters().isEmpty());
    }

    @Override
    public Merged merge(Source source, Path out, boolean overwrite) {
        calls.add("merge " + source.adapters());
        return new Merged(out, 7, 1e-6, 64);
    }

    @Override
    public Written encode(Source source, Encoding how, Consumer<EncodedWeight> done) {
        calls.add("encode " + source.base() + " " + source.adapters() + " as " + how.to());
        var weights =
                List.of(
                        new EncodedWeight("model.embed_tokens", 576, how.to(), how.to(), 0),
                        new EncodedWeight("model.layers.0.mlp.up", 576, "q4_k", "q5_0", 0.04),
                        new EncodedWeight("model.layers.0.mlp.down", 1536, "q4_k", "q4_k", 0.07));
        weights.forEach(done);
        return new Written(how.out(), weights, 94_300_000, 0.25, 64);
    }

    @Override
    public Converted convert(Source source, String to, Path out, boolean overwrite) {
        calls.add("convert " + source.adapters() + " to " + to);
        return new Converted(out, 7, 16, 1e-6, 64);
    }

    @Override
    public Map<String, Learns> learns(String base, List<MethodSpec> methods) {
        calls.add("learns on " + base);
        var out = new java.util.LinkedHashMap<String, Learns>();
        methods.forEach(m -> out.put(m.name(), new Learns(java.util.OptionalLong.of(1234), "")));
        return out;
    }

    @Override
    public dev.gyre.compare.Comparison compare(
            dev.gyre.compare.Plan plan, Consumer<dev.gyre.compare.CompareEvent> events) {
        throw new UnsupportedOperationException("the script has no laboratory");
    }

    @Override
    public Trial trial(Source source, MethodSpec method, dev.gyre.model.Activations activations) {
        return new Trial() {
            @Override
            public double step(int[][] rows) {
                calls.add("step " + rows.length + "x" + rows[0].length);
                return 1.5;
            }

            @Override
            public double productsFloor(long tokens) {
                return 0.5;
            }

            @Override
            public int vocabulary() {
                return 100;
            }

            @Override
            public long learns() {
                return 7;
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public Found firstOf(List<String> names) {
        return new Found(names.getFirst(), Path.of("/models/small"), "from the cache");
    }

    /** Knows the shop's queries once it has an adapter; otherwise it repeats what was asked. */
    private final class Answers implements Loaded {
        private final Map<String, String> queries;

        Answers(boolean taught) {
            queries =
                    taught
                            ? ShopQueries.heldOut().stream()
                                    .collect(
                                            Collectors.toMap(
                                                    ShopQueries.Row::prompt,
                                                    ShopQueries.Row::completion))
                            : Map.of();
        }

        @Override
        public void generate(List<Prompt> prompts, Decoding how, Consumer<Piece> pieces) {
            calls.add("generate " + prompts);
            // Backwards, because answers may come in any order.
            for (int i = prompts.size() - 1; i >= 0; i--) {
                String asked =
                        switch (prompts.get(i)) {
                            case Prompt.Plain(String text) -> text;
                            case Prompt.Chat(var turns) -> turns.getLast().text();
                        };
                String answer = queries.getOrDefault(asked, "echo " + asked);
                pieces.accept(new Piece.Text(i, answer.substring(0, 2)));
                pieces.accept(new Piece.Text(i, answer.substring(2)));
                pieces.accept(new Piece.Done(i, answer, 5, Piece.Finish.STOP));
            }
        }

        @Override
        public Perplexity perplexity(List<String> documents, int stride) {
            calls.add("perplexity " + documents + " " + stride);
            var document =
                    new Perplexity.Document(new int[] {4, 5, 6}, new double[] {Double.NaN, -1, -2});
            return new Perplexity(List.of(document), 2, 3);
        }

        @Override
        public int contextTokens() {
            return 128;
        }

        @Override
        public void close() {
            calls.add("close");
        }
    }
}
