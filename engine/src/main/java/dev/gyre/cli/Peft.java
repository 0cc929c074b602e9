package dev.gyre.cli;

import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.train.MethodSpec;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Hugging Face PEFT in a process of its own, which trains on the rows that it is sent: a JSON line
 * in for each step, a JSON line out.
 */
final class Peft implements AutoCloseable {
    /** One step of the peer. */
    record Step(double seconds, double loss, long peakBytes) {}

    /** What a peer may be called: as it is installed, and with an allocator that keeps memory. */
    static final List<String> NAMES = List.of("peft", "peft-tuned");

    /** glibc's settings under which PyTorch's blocks are not given back after each operation. */
    private static final Map<String, String> TUNED =
            Map.of("MALLOC_MMAP_THRESHOLD_", "1073741824", "MALLOC_TRIM_THRESHOLD_", "17179869184");

    private final Process process;
    private final Path script;

    private Peft(Process process, Path script) {
        this.process = process;
        this.script = script;
    }

    /**
     * Starts the peer on a model that lies on this machine.
     *
     * @param name of {@link #NAMES}
     * @throws UserError when there is no Python for it
     */
    static Peft start(
            Shell shell,
            String name,
            Optional<Path> python,
            Path model,
            MethodSpec method,
            OptionalInt threads) {
        Path program = python.orElseGet(() -> made(shell));
        if (!Files.isExecutable(program))
            throw new UserError(
                    "no Python for the peer at "
                            + program
                            + "; run tools/peers, or give --python PATH");
        try (var source = Peft.class.getResourceAsStream("peft_steps.py")) {
            if (source == null) throw new IllegalStateException("peft_steps.py is not in the jar");
            Path script = Files.createTempFile("gyre-peft", ".py");
            Files.write(script, source.readAllBytes());
            Map<String, Object> task = new LinkedHashMap<>();
            task.put("model", model.toString());
            task.put("method", method.plain());
            task.put("threads", threads.orElse(Runtime.getRuntime().availableProcessors()));
            var builder =
                    new ProcessBuilder(program.toString(), script.toString(), Json.write(task))
                            .redirectError(ProcessBuilder.Redirect.INHERIT);
            // Our own settings are not the peer's: as it is installed it has none.
            builder.environment()
                    .keySet()
                    .removeIf(
                            k ->
                                    k.startsWith("MALLOC_")
                                            || k.equals("KMP_BLOCKTIME")
                                            || k.equals("GOMP_SPINCOUNT"));
            if (name.equals("peft-tuned")) builder.environment().putAll(TUNED);
            return new Peft(builder.start(), script);
        } catch (IOException e) {
            throw new UserError("cannot start the peer: " + Reasons.of(e), e);
        }
    }

    private static Path made(Shell shell) {
        String cache = shell.environment().getOrDefault("XDG_CACHE_HOME", "");
        Path folder =
                cache.isEmpty()
                        ? Path.of(System.getProperty("user.home"), ".cache")
                        : Path.of(cache);
        return folder.resolve("gyre/peers/bin/python");
    }

    /** One step on these rows. */
    Step step(int[][] rows) {
        try {
            Writer in = process.outputWriter(StandardCharsets.UTF_8);
            in.write(Json.write(rows) + "\n");
            in.flush();
            BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
            String line = out.readLine();
            if (line == null) throw new UserError("the peer stopped; its message is above");
            Tree answer = Json.read(line, "the peer's answer");
            return new Step(
                    answer.need("seconds").real(),
                    answer.need("loss").real(),
                    answer.need("peak_rss_bytes").whole());
        } catch (IOException e) {
            throw new UserError("the peer stopped: " + Reasons.of(e), e);
        }
    }

    @Override
    public void close() {
        try {
            process.destroy();
            Files.deleteIfExists(script);
        } catch (IOException e) {
            throw new UserError("cannot delete " + script + ": " + Reasons.of(e), e);
        }
    }
}
