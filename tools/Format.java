import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs google-java-format over all sources of the project: {@code Format.java JAR check|write ROOT}. */
final class Format {
    public static void main(String[] args) throws IOException, InterruptedException {
        Path jar = Path.of(args[0]);
        boolean write = args[1].equals("write");
        Path root = Path.of(args[2]);

        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        for (String part : List.of("api", "code", "file", "parser", "tree", "util"))
            command.add("--add-exports=jdk.compiler/com.sun.tools.javac." + part + "=ALL-UNNAMED");
        command.addAll(List.of("-jar", jar.toString(), "--aosp"));
        command.addAll(write ? List.of("--replace") : List.of("--dry-run", "--set-exit-if-changed"));
        for (String module : List.of("engine", "bench")) {
            Path sources = root.resolve(module).resolve("src");
            if (!Files.isDirectory(sources)) continue; // a module without code yet
            try (var files = Files.walk(sources)) {
                files.filter(f -> f.toString().endsWith(".java")).sorted().forEach(f -> command.add(f.toString()));
            }
        }
        int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (exit != 0 && !write)
            System.err.println("The files above are not formatted. Run: mvn -q -pl :gyre toolchains:select-jdk-toolchain@find-jdk exec:exec@format -Dformat.mode=write");
        System.exit(exit);
    }
}
