package dev.gyre.hub;

import dev.gyre.config.Json;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Finds the model in a folder. */
final class ModelFolders {
    private static final String INDEX = "model.safetensors.index.json";

    private ModelFolders() {}

    static boolean isGguf(Path file) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(".gguf");
    }

    /** A folder in Hugging Face's layout, a base or an adapter, whose every part is there. */
    static boolean isComplete(Path folder) {
        if (Files.exists(folder.resolve("adapter_config.json")))
            return Files.exists(folder.resolve("adapter_model.safetensors"));
        if (!Files.exists(folder.resolve("config.json"))) return false;
        if (Files.exists(folder.resolve("model.safetensors"))) return true;
        return Files.exists(folder.resolve(INDEX)) && hasAllShards(folder);
    }

    private static boolean hasAllShards(Path folder) {
        return Json.read(folder.resolve(INDEX)).need("weight_map").entries().values().stream()
                .map(shard -> shard.text())
                .distinct()
                .allMatch(shard -> !shard.contains("/") && Files.exists(folder.resolve(shard)));
    }

    /**
     * What a person who names this folder or file means: the folder itself, or the one .gguf file.
     */
    static Path local(Path path) {
        if (Files.isRegularFile(path)) {
            if (isGguf(path)) return path;
            throw HubErrors.notAModel(path);
        }
        if (Files.exists(path.resolve("config.json"))
                || Files.exists(path.resolve("adapter_config.json"))) return path;
        List<Path> files = list(path);
        List<Path> ggufs = files.stream().filter(ModelFolders::isGguf).toList();
        if (ggufs.size() == 1) return ggufs.getFirst();
        List<String> names = names(ggufs.isEmpty() ? files : ggufs);
        if (ggufs.isEmpty()) throw HubErrors.noModel(path, names);
        throw HubErrors.severalModels(path.toString(), names, "Name one of the files.");
    }

    /** The only model anywhere below a folder, such as an unpacked wheel. */
    static Path below(Path folder, String name) {
        var found = new ArrayList<Path>();
        try (Stream<Path> all = Files.walk(folder)) {
            all.sorted()
                    .filter(p -> Files.isDirectory(p) ? isComplete(p) : isGguf(p))
                    .forEach(found::add);
        } catch (IOException e) {
            throw HubErrors.unreadable(folder, e);
        }
        if (found.size() == 1) return found.getFirst();
        if (found.isEmpty())
            throw new UserError(
                    name
                            + " holds no model: no .gguf file, and no folder with config.json and"
                            + " model.safetensors. Check the package's name.");
        var names = found.stream().map(p -> folder.relativize(p).toString()).toList();
        throw HubErrors.severalModels(
                name, names, "Name one of them by its path below " + folder + ".");
    }

    private static List<Path> list(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw HubErrors.unreadable(folder, e);
        }
    }

    private static List<String> names(List<Path> files) {
        return files.stream().limit(12).map(f -> String.valueOf(f.getFileName())).toList();
    }
}
