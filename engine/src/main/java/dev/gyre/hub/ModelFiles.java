package dev.gyre.hub;

import dev.gyre.config.Json;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Which files make a model. */
final class ModelFiles {
    static final String CONFIG = "config.json";
    static final String INDEX = "model.safetensors.index.json";
    private static final String WEIGHTS = "model.safetensors";
    private static final Set<String> SMALL =
            Set.of(
                    CONFIG,
                    "generation_config.json",
                    "chat_template.jinja",
                    "special_tokens_map.json",
                    INDEX);

    private ModelFiles() {}

    /** The files to fetch beside the weights, of all that a repository has. */
    static List<String> small(List<String> all) {
        return all.stream()
                .filter(f -> !f.contains("/") && !f.contains("\\"))
                .filter(f -> SMALL.contains(f) || f.matches("tokenizer[\\w.-]*"))
                .sorted()
                .toList();
    }

    /**
     * The weights of a repository that has no index: one file, or every safetensors file at its
     * root.
     */
    static List<String> weights(List<String> all) {
        if (all.contains(WEIGHTS)) return List.of(WEIGHTS);
        return all.stream().filter(f -> f.matches("\\w[\\w.-]*\\.safetensors")).sorted().toList();
    }

    /**
     * The models in GGUF files of a repository. Parts of a model in several files, and what lets a
     * model see, are none.
     */
    static List<String> ggufs(List<String> all) {
        return all.stream()
                .filter(f -> f.endsWith(".gguf"))
                .filter(f -> !f.matches(".*-\\d{5}-of-\\d{5}\\.gguf"))
                .filter(f -> !f.matches("(.*/)?mmproj[^/]*"))
                .sorted()
                .toList();
    }

    /**
     * The weights that an index names.
     *
     * @throws UserError when it is no index, or names what is not beside it
     */
    static List<String> weightsOf(Path index) {
        var tree = Json.read(index).need("weight_map");
        var files = new TreeSet<String>();
        for (var entry : tree.entries().values()) {
            String file = entry.text();
            if (!file.matches("\\w[\\w.-]*\\.safetensors"))
                throw entry.wrong("a safetensors file beside the index");
            files.add(file);
        }
        return List.copyOf(files);
    }

    /** True when a folder has a configuration and all its weights. */
    static boolean isModel(Path folder) {
        if (!Files.isRegularFile(folder.resolve(CONFIG))) return false;
        try {
            Path index = folder.resolve(INDEX);
            if (Files.isRegularFile(index) && !Files.isRegularFile(folder.resolve(WEIGHTS)))
                return weightsOf(index).stream()
                        .allMatch(f -> Files.isRegularFile(folder.resolve(f)));
            return !weights(list(folder)).isEmpty();
        } catch (UserError | IOException e) {
            return false;
        }
    }

    /** True when a folder also has what turns text into tokens. */
    static boolean hasTokenizer(Path folder) {
        return Files.isRegularFile(folder.resolve("tokenizer.json"));
    }

    /**
     * What a path that the user gave stands for: a model's folder, or a GGUF file, perhaps the only
     * one of a folder.
     *
     * @throws UserError when it is neither
     */
    static Path local(Path path) {
        if (!Files.isDirectory(path)) {
            if (path.toString().endsWith(".gguf")) return path;
            throw HubErrors.notAModelFile(path);
        }
        if (Files.exists(path.resolve(CONFIG))) return path;
        if (Files.exists(path.resolve("adapter_config.json"))) throw HubErrors.adapterFolder(path);
        try {
            List<String> ggufs = list(path).stream().filter(f -> f.endsWith(".gguf")).toList();
            if (ggufs.size() == 1) return path.resolve(ggufs.getFirst());
            throw ggufs.isEmpty()
                    ? HubErrors.emptyFolder(path)
                    : HubErrors.severalModels(path.toString(), ggufs);
        } catch (IOException e) {
            throw HubErrors.unreadable(path, e);
        }
    }

    /**
     * The one model somewhere under a folder.
     *
     * @param name what to call the folder in errors
     * @return empty when there is none
     * @throws UserError when there are several
     */
    static Optional<Path> under(Path root, String name) {
        var found = new ArrayList<Path>();
        try (Stream<Path> all = Files.walk(root, 8, new FileVisitOption[0])) {
            all.filter(
                            p ->
                                    (p.toString().endsWith(".gguf") && Files.isRegularFile(p))
                                            || (Files.isDirectory(p) && isModel(p)))
                    .sorted()
                    .forEach(found::add);
        } catch (IOException e) {
            throw HubErrors.unreadable(root, e);
        }
        if (found.size() > 1)
            throw HubErrors.severalModels(
                    name, found.stream().map(p -> root.relativize(p).toString()).toList());
        return found.stream().findFirst();
    }

    /** The models in GGUF files under a folder. */
    static List<Path> ggufsIn(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder, 4, FileVisitOption.FOLLOW_LINKS)) {
            List<String> names =
                    all.filter(Files::isRegularFile)
                            .map(p -> folder.relativize(p).toString())
                            .toList();
            return ggufs(names).stream().map(folder::resolve).toList();
        }
    }

    private static List<String> list(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(p -> p.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }
}
