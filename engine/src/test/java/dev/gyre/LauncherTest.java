package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.tensor.kernel.TileProgram;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The launcher, with a JDK that is a script: it writes down what it was asked for, and makes an
 * ahead-of-time cache where a real one would.
 */
class LauncherTest {
    private static final Path HOME = Path.of("..");

    private static final String JAVA =
            """
            #!/bin/sh
            echo "$@" >>"$LOG"
            for word in "$@"; do
                case "$word" in
                    -XX:AOTCacheOutput=*) [ -n "$BROKEN" ] && exit 1; echo made >"${word#*=}" ;;
                esac
            done
            echo answered
            """;

    @TempDir Path folder;
    private Path target;
    private Path log;

    /** An installation whose jar is newer than its sources. */
    @BeforeEach
    void install() throws IOException {
        Path home = Files.createDirectories(folder.resolve("home"));
        Path module = Files.createDirectories(home.resolve("engine"));
        Files.createDirectories(module.resolve("src/main/java/dev/gyre"));
        Path model = Path.of("src/test/resources/golden/pico-llama/own-head");
        Path there = Files.createDirectories(module.resolve(model));
        try (var files = Files.list(model)) {
            for (Path file : files.toList()) Files.copy(file, there.resolve(file.getFileName()));
        }
        Files.copy(HOME.resolve("gyre"), home.resolve("gyre"));
        Files.copy(HOME.resolve("pom.xml"), home.resolve("pom.xml"));
        Files.copy(Path.of("pom.xml"), module.resolve("pom.xml"));
        target = Files.createDirectories(module.resolve("target"));
        Files.writeString(target.resolve("gyre.classpath"), "some.jar");
        Files.writeString(target.resolve("gyre.jar"), "");
        log = folder.resolve("log");
        jdk("jdk");
        old(home);
    }

    private Path jdk(String name) throws IOException {
        Path jdk = folder.resolve(name);
        Path java = Files.createDirectories(jdk.resolve("bin")).resolve("java");
        Files.writeString(java, JAVA);
        assertThat(java.toFile().setExecutable(true)).isTrue();
        Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25.0.1\"\n");
        return jdk;
    }

    /** Sources of a minute ago and a jar of half a minute ago: file times may be coarse. */
    private void old(Path home) throws IOException {
        try (var files = Files.walk(home)) {
            for (Path file : files.toList()) age(file, 60);
        }
        age(target.resolve("gyre.jar"), 30);
        age(target.resolve("gyre.classpath"), 30);
    }

    private static void age(Path file, int seconds) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(seconds)));
    }

    private Program run(String... words) {
        return run(Map.of(), words);
    }

    private Program run(Map<String, String> variables, String... words) {
        Path output = folder.resolve("output.txt");
        var line = new ArrayList<>(List.of(folder.resolve("home/gyre").toString()));
        line.addAll(List.of(words));
        var builder =
                new ProcessBuilder(line)
                        .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        builder.environment().remove("GYRE_JAVA_OPTS");
        builder.environment().remove("GYRE_START_CACHE");
        builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
        builder.environment().put("LOG", log.toString());
        builder.environment().putAll(variables);
        try {
            return new Program(builder.start().waitFor(), Files.readString(output));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** What the JVM was last started with for a command. */
    private String started(String command) throws IOException {
        return Files.readAllLines(log).stream()
                .filter(line -> line.contains(" dev.gyre.cli.Main " + command))
                .reduce((_, last) -> last)
                .orElse("");
    }

    private long recordings() throws IOException {
        return Files.readAllLines(log).stream()
                .filter(line -> line.contains("-XX:AOTCacheOutput="))
                .count();
    }

    /** The background is done, however it went, with one recording more than before. */
    private void settled(long before) throws IOException {
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        while (recordings() == before || Files.exists(target.resolve("gyre.aot.work"))) {
            assertThat(System.nanoTime()).as("no cache is made").isLessThan(end);
            LockSupport.parkNanos(20_000_000);
        }
    }

    @Test
    void theSecondStartHasACache() throws IOException {
        Program first = run("methods");
        assertThat(first).isEqualTo(new Program(0, "answered\n"));
        assertThat(started("methods")).doesNotContain("AOT");
        settled(0);
        assertThat(started("quickstart")).contains("--offline");
        Program second = run("methods");
        assertThat(second).isEqualTo(new Program(0, "answered\n"));
        assertThat(started("methods"))
                .contains("-XX:AOTCache=" + target.toRealPath().resolve("gyre.aot"))
                .contains("-Xlog:aot=off");
        assertThat(recordings()).isOne();
        try (var files = Files.list(target)) {
            assertThat(files.map(f -> f.getFileName().toString()))
                    .containsOnlyOnce("gyre.aot", "gyre.aot.from")
                    .noneMatch(name -> name.contains("work"));
        }
    }

    @Test
    void aNewJarAnotherJdkAndOtherLibrariesMakeItStale() throws IOException {
        run("methods");
        settled(0);

        Files.writeString(target.resolve("gyre.jar"), "newer");
        remade(Map.of());
        Map<String, String> other = Map.of("JAVA_HOME", jdk("other").toString());
        remade(other);
        Files.writeString(target.resolve("gyre.classpath"), "another.jar");
        remade(other);
        assertThat(recordings()).isEqualTo(4);
    }

    private void remade(Map<String, String> variables) throws IOException {
        long before = recordings();
        run(variables, "methods");
        assertThat(started("methods")).doesNotContain("AOTCache");
        settled(before);
        run(variables, "methods");
        assertThat(started("methods")).contains("-XX:AOTCache=");
    }

    @Test
    void aJdkMayBeNamedFromWhereOneIs() throws IOException {
        Path here = Path.of("").toAbsolutePath();
        Path jdk = here.relativize(folder.resolve("jdk").toAbsolutePath());
        run(Map.of("JAVA_HOME", jdk.toString()), "methods");
        settled(0);
        assertThat(target.resolve("gyre.aot")).hasContent("made\n");
    }

    @Test
    void noneIsMadeBesideABenchmark() throws IOException {
        run("bench", "train");
        assertThat(target.resolve("gyre.aot.lock")).doesNotExist();
        assertThat(target.resolve("gyre.aot.lock.d")).doesNotExist();
        run("methods");
        settled(0);
    }

    @Test
    void aCacheThatCannotBeMadeIsTriedOnce() throws IOException {
        Map<String, String> broken = Map.of("BROKEN", "yes");
        assertThat(run(broken, "methods")).isEqualTo(new Program(0, "answered\n"));
        settled(0);
        for (int i = 0; i < 2; i++)
            assertThat(run("methods")).isEqualTo(new Program(0, "answered\n"));
        assertThat(started("methods")).doesNotContain("AOT");
        assertThat(recordings()).isOne();
        assertThat(target.resolve("gyre.aot")).doesNotExist();
    }

    @Test
    void whereNothingCanBeWrittenThereIsNone() throws IOException {
        Files.createDirectories(target.resolve("gyre.aot.lock"));
        Files.createDirectories(target.resolve("gyre.aot.lock.d"));
        for (int i = 0; i < 2; i++)
            assertThat(run("methods")).isEqualTo(new Program(0, "answered\n"));
        assertThat(recordings()).isZero();
    }

    @Test
    void itIsLeftAloneWhenNobodyWantsIt() throws IOException {
        run(Map.of("GYRE_START_CACHE", "off"), "methods");
        run(Map.of("GYRE_JAVA_OPTS", "-XX:AOTMode=off"), "methods");
        run("train", "--help");
        run();
        assertThat(Files.readAllLines(log)).hasSize(4).noneMatch(line -> line.contains("AOTCache"));
        assertThat(target.resolve("gyre.aot.lock")).doesNotExist();
    }

    @Test
    void kernelsAreCompiledFirst() throws IOException {
        run(Map.of("GYRE_START_CACHE", "off"), "methods");
        // A star that met no file: the shell has left it alone.
        assertThat(started("methods"))
                .contains("CompileThresholdScaling,dev/gyre/tensor/kernel/*.*,0.02");
    }

    /** A flag for a method that has another name by now would say nothing, and do nothing. */
    @Test
    void methodsThatAreKeptOutOfOthersExist() throws Exception {
        run(Map.of("GYRE_START_CACHE", "off"), "methods");
        var named = Pattern.compile("dontinline,(dev/gyre/[A-Za-z/]+)\\.([a-z]\\w*)");
        int found = 0;
        for (var flag = named.matcher(started("methods")); flag.find(); found++)
            assertThat(Class.forName(flag.group(1).replace('/', '.')).getDeclaredMethods())
                    .extracting(Method::getName)
                    .contains(flag.group(2));
        assertThat(found).isPositive();
    }

    /** As the benchmarks do, whose help is no text of ours. */
    @Test
    void anotherProgramRunsWithTheSameFlags() throws IOException {
        var other =
                Map.of(
                        "GYRE_MAIN", "org.example.Main",
                        "GYRE_CLASSPATH", "/some/classes",
                        "GYRE_START_CACHE", "off");
        run(other, "--help");
        assertThat(Files.readAllLines(log).getLast())
                .contains("CompileThresholdScaling", ":/some/classes org.example.Main --help")
                .doesNotContain("TieredStopAtLevel");
    }

    /** In a real JVM, whose classes may be called otherwise in its next release. */
    @Test
    void numbersAndVectorsAreReadWithoutACall() throws IOException {
        run(Map.of("GYRE_START_CACHE", "off"), "methods");
        List<String> options =
                Stream.concat(
                                Stream.of(started("methods").split(" "))
                                        .filter(w -> w.startsWith("-XX:CompileCommand=")),
                                Stream.of(
                                        "--add-modules=jdk.incubator.vector",
                                        "-XX:+UnlockDiagnosticVMOptions",
                                        "-XX:CompileCommand=PrintInlining,"
                                                + "dev/gyre/tensor/kernel/Tile.fourByTwo"))
                        .toList();
        Program program =
                Program.run(
                        folder,
                        TileProgram.class,
                        List.of(),
                        Map.of("JDK_JAVA_OPTIONS", String.join(" ", options)));
        assertThat(program.output()).contains("product 32.0");
        for (String method : List.of("Unsafe::getIntUnaligned (", "Lanes::load ("))
            assertThat(program.output().lines().filter(l -> l.contains(method)))
                    .anyMatch(l -> l.contains("force inline by CompileCommand"))
                    .noneMatch(l -> l.contains("low call site frequency"));
    }
}
