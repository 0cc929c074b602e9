package dev.gyre;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The reference programs on this machine (tools/peers) and the real model that they and we read.
 */
record Peers(Path python, Path model) {
    private static final Path TOOLS = Path.of("..", "tools");

    /**
     * A class of tests against the peers. Where {@code tools/peers} was not run they do not run,
     * and the build says so at its end; with GYRE_REQUIRE_PEERS=1 that is a failure.
     */
    @Target(ElementType.TYPE)
    @Retention(RetentionPolicy.RUNTIME)
    @Tag("live")
    @ExtendWith(Presence.class)
    @interface Needed {}

    static Peers here() {
        return found().orElseThrow(() -> new IllegalStateException("no peers; run tools/peers"));
    }

    private static Optional<Peers> found() {
        return said("--path")
                .flatMap(
                        python ->
                                said("--model")
                                        .map(model -> new Peers(Path.of(python), Path.of(model))));
    }

    private static Optional<String> said(String question) {
        Output output = run(List.of("bash", TOOLS.resolve("peers").toString(), question));
        return output.code == 0 ? Optional.of(output.text.strip()) : Optional.empty();
    }

    /**
     * Runs one of tools/peer's scripts on the model and gives what it printed; a failure of it is
     * the test's.
     */
    String script(String name, Object... arguments) {
        var command =
                new ArrayList<>(
                        List.of(python.toString(), TOOLS.resolve("peer").resolve(name).toString()));
        for (Object argument : arguments) command.add(argument.toString());
        Output output = run(command);
        if (output.code != 0)
            throw new AssertionError(
                    name + " ended with " + output.code + "; its message is above");
        return output.text;
    }

    private record Output(int code, String text) {}

    private static Output run(List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            process.getOutputStream().close();
            String text =
                    new String(
                            process.getInputStream().readAllBytes(),
                            java.nio.charset.StandardCharsets.UTF_8);
            return new Output(process.waitFor(), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** What we say of a text, under adapters of these folders. */
    Gyre.Perplexity.Document ours(Gyre gyre, List<Path> adapters, Path text) throws IOException {
        try (var loaded =
                gyre.open(Gyre.Source.of(model.toString(), adapters.toArray(Path[]::new)))) {
            return loaded.perplexity(List.of(Files.readString(text)), 512).documents().getFirst();
        }
    }

    /** What a script said about one document, as we say it. */
    static Gyre.Perplexity.Document document(Path file) {
        Tree document = Json.read(file).need("documents").items().getFirst();
        return new Gyre.Perplexity.Document(
                document.need("ids").items().stream().mapToInt(Tree::wholeInt).toArray(),
                document.need("logprobs").items().stream()
                        .mapToDouble(t -> t.isNull() ? Double.NaN : t.real())
                        .toArray());
    }

    /**
     * Empty when two documents have the same ids, and log-probabilities as near as that; otherwise
     * how they differ.
     */
    static Optional<String> difference(
            Gyre.Perplexity.Document ours,
            Gyre.Perplexity.Document theirs,
            double most,
            double mean) {
        if (!Arrays.equals(ours.ids(), theirs.ids())) return Optional.of("other ids");
        double worst = 0;
        double sum = 0;
        int count = ours.ids().length - 1;
        for (int i = 1; i <= count; i++) {
            double d = Math.abs(ours.logprobs()[i] - theirs.logprobs()[i]);
            if (!(d <= most))
                return Optional.of("token %d of %d differs by %.2e".formatted(i, count, d));
            worst = Math.max(worst, d);
            sum += d;
        }
        return sum / count <= mean
                ? Optional.empty()
                : Optional.of("mean difference %.2e, at most %.2e".formatted(sum / count, worst));
    }

    /** Whether the peers are there, and the count of what did not run without them. */
    static final class Presence implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            Class<?> tests = context.getRequiredTestClass();
            if (context.getTestMethod().isPresent() || found().isPresent())
                return ConditionEvaluationResult.enabled("the peers are there");
            if ("1".equals(System.getenv("GYRE_REQUIRE_PEERS")))
                throw new IllegalStateException(
                        "GYRE_REQUIRE_PEERS=1, but there are no peers; run tools/peers");
            int count =
                    (int)
                            Arrays.stream(tests.getDeclaredMethods())
                                    .filter(m -> m.isAnnotationPresent(Test.class))
                                    .count();
            context.getRoot()
                    .getStore(ExtensionContext.Namespace.create(Peers.class))
                    .computeIfAbsent(NotRun.class, _ -> new NotRun(new TreeMap<>()), NotRun.class)
                    .counts
                    .put(tests.getSimpleName(), count);
            return ConditionEvaluationResult.disabled("NOT RUN: needs the peers; run tools/peers");
        }
    }

    /** Speaks when the last test has ended. */
    private record NotRun(TreeMap<String, Integer> counts) implements AutoCloseable {
        @Override
        public void close() {
            System.err.printf(
                    "NOT RUN: %d live tests against PEFT and transformers, in %s; run tools/peers"
                            + " first (some 6 GB)%n",
                    counts.values().stream().mapToInt(Integer::intValue).sum(),
                    String.join(", ", counts.keySet()));
        }
    }

    /** A text with words, code, digits and other scripts, written into a folder. */
    static Path text(Path folder) throws IOException {
        return Files.writeString(
                folder.resolve("text.txt"),
                """
                The library opens at nine. "Grüße aus Köln", she wrote, and 東京 is far away.
                    for (int i = 0; i < 10; i++) sum += x[i] * 2;
                Water boils at 100 degrees Celsius at sea level; on a mountain it boils earlier, because the air there
                presses less. Whoever cooks rice at 3,000 metres waits longer for it.
                """);
    }
}
