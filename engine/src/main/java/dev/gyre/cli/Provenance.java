package dev.gyre.cli;

import dev.gyre.tensor.ProcessMemory;
import dev.gyre.tensor.Processor;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Which program, on which machine: what makes two measurements comparable. */
final class Provenance {
    private Provenance() {}

    /** The commit and the machine, in a row's keys. */
    static Map<String, Object> now() {
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("commit", commit().orElse("unknown"));
        out.put("processor", Processor.name().orElse("unknown"));
        out.put("processors", Runtime.getRuntime().availableProcessors());
        ProcessMemory.machineBytes().ifPresent(b -> out.put("memory_bytes", b));
        out.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        out.put("jdk", Runtime.version().toString());
        return out;
    }

    /**
     * The commit of the checkout that the launcher belongs to, with {@code +} where files differ
     * from it.
     */
    static Optional<String> commit() {
        String home = System.getProperty("gyre.home", "");
        if (home.isEmpty()) return Optional.empty();
        return git(home, "rev-parse", "--short", "HEAD")
                .map(c -> c + git(home, "status", "--porcelain").map(s -> "+").orElse(""));
    }

    /** What git says; empty when it says nothing, or cannot be asked. */
    private static Optional<String> git(String home, String... words) {
        try {
            var command = new java.util.ArrayList<>(java.util.List.of("git", "-C", home));
            command.addAll(java.util.List.of(words));
            Process git =
                    new ProcessBuilder(command)
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            boolean well = git.waitFor(10, TimeUnit.SECONDS) && git.exitValue() == 0;
            return Optional.of(said.strip()).filter(s -> well && !s.isEmpty());
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
