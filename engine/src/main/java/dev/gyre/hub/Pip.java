package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.File;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The machine's own pip, which knows its mirrors, proxies and certificates better than we could.
 */
final class Pip {
    private static final long POLL_MS = 200;
    private final Map<String, String> environment;

    Pip(Map<String, String> environment) {
        this.environment = environment;
    }

    /**
     * Downloads one wheel without what it depends on.
     *
     * @param folder where to work; the wheel is left in its folder {@code wheel}
     * @return the wheel
     * @throws UserError when there is no Python or pip, or pip fails
     */
    Path download(PackageName name, Path folder, Progress progress) throws IOException {
        Path python = python(name);
        Path target = Files.createDirectories(folder.resolve("wheel"));
        Path scratch = Files.createDirectories(folder.resolve("scratch"));
        Path log = folder.resolve("pip.log");
        // in a folder of our own: "-m pip" would take a pip.py of the current one
        var builder =
                new ProcessBuilder(
                                python.toString(),
                                "-m",
                                "pip",
                                "download",
                                "--no-deps",
                                "--only-binary=:all:",
                                "-d",
                                target.toString(),
                                name.requirement())
                        .directory(scratch.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        builder.environment().clear();
        builder.environment().putAll(settings(scratch));
        // at the end the wheel is copied from the one folder to the other
        int exit =
                run(
                        builder,
                        () ->
                                progress.at(
                                        name.toString(),
                                        Math.max(bytes(target), bytes(scratch)),
                                        -1));
        if (exit != 0) throw PipErrors.failed(name, python, exit, Files.readString(log));
        return wheel(name, target);
    }

    /**
     * What the process gets: the user's environment, pip's scratch files beside ours, and no
     * questions.
     */
    private Map<String, String> settings(Path scratch) {
        var all = new HashMap<>(environment);
        all.put("TMPDIR", scratch.toString());
        all.put("PIP_NO_INPUT", "1");
        all.put("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        all.putIfAbsent("PIP_RETRIES", "2");
        return all;
    }

    private Path python(PackageName name) {
        for (String folder : environment.getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
            if (folder.isEmpty()) continue;
            Path python = Path.of(folder, "python3").toAbsolutePath();
            if (Files.isRegularFile(python) && Files.isExecutable(python)) return python;
        }
        throw PipErrors.noPython(name);
    }

    private static int run(ProcessBuilder builder, Runnable meanwhile) throws IOException {
        Process process = builder.start();
        try {
            while (!process.waitFor(POLL_MS, TimeUnit.MILLISECONDS)) meanwhile.run();
            meanwhile.run();
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } finally {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
        }
    }

    /** Bytes of the files under a folder, some of which may vanish meanwhile. */
    private static long bytes(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.mapToLong(
                            f -> {
                                File file = f.toFile();
                                return file.isFile() ? file.length() : 0;
                            })
                    .sum();
        } catch (IOException | UncheckedIOException e) {
            return 0; // pip moves its files while we look
        }
    }

    private static Path wheel(PackageName name, Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            var all = files.sorted().toList();
            if (all.size() == 1 && all.getFirst().toString().endsWith(".whl"))
                return all.getFirst();
            throw PipErrors.noWheel(
                    name, all.stream().map(f -> f.getFileName().toString()).toList());
        }
    }
}
