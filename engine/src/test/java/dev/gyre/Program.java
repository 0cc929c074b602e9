package dev.gyre;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A program of ours that ran in a process of its own: its exit code and all that it printed. */
public record Program(int code, String output) {
    /** Runs a class in a folder. */
    public static Program run(Path folder, Class<?> program, List<String> words) {
        return finished(folder, java(program, words), Map.of());
    }

    /** Runs a class in a folder, with more variables in its environment. */
    public static Program run(
            Path folder, Class<?> program, List<String> words, Map<String, String> variables) {
        return finished(folder, java(program, words), variables);
    }

    /**
     * Runs a class that cannot write a file beyond a size: the nearest that needs no rights to a
     * full disk.
     */
    public static Program withFilesUpTo(
            int kilobytes, Path folder, Class<?> program, List<String> words) {
        // POSIX counts in blocks of 512 bytes.
        var line =
                new ArrayList<>(
                        List.of("sh", "-c", "ulimit -f " + 2 * kilobytes + "; exec \"$@\"", "sh"));
        line.addAll(java(program, words));
        return finished(folder, line, Map.of());
    }

    private static List<String> java(Class<?> program, List<String> words) {
        var line = new ArrayList<String>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        line.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow"));
        line.addAll(List.of("-cp", classPath(), program.getName()));
        line.addAll(words);
        return line;
    }

    private static Program finished(Path folder, List<String> line, Map<String, String> variables) {
        Path output = folder.resolve("output.txt");
        var builder =
                new ProcessBuilder(line)
                        .directory(folder.toFile())
                        .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        builder.environment().putAll(variables);
        try {
            int code = builder.start().waitFor();
            return new Program(code, Files.readString(output));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** The class path with absolute names, because programs run in another folder. */
    private static String classPath() {
        String separator = System.getProperty("path.separator");
        // Maven's test runner starts from a jar that only points elsewhere, and tells the rest
        // here.
        String all =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        return String.join(
                separator,
                Arrays.stream(all.split(separator, -1))
                        .map(p -> Path.of(p).toAbsolutePath().toString())
                        .toList());
    }
}
