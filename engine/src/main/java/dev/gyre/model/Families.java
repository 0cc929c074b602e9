package dev.gyre.model;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.format.Gguf;
import dev.gyre.format.Safetensors;
import dev.gyre.tensor.Scope;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/** The registry of model families. Adding one is its file, its line here, and its goldens. */
public final class Families {
    private static final List<Family> ALL = List.of(new LlamaFamily());

    private Families() {}

    /**
     * Opens a Hugging Face folder (safetensors) or a GGUF file.
     *
     * @param recomputes whether training computes activations again instead of keeping them
     * @throws UserError when the files are missing, broken, or of a family that is not known here
     */
    public static Model open(Path place, boolean recomputes) {
        Scope home = Scope.detached();
        try (var arena = Arena.ofShared()) {
            return Files.isDirectory(place)
                    ? folder(place, arena, home, recomputes)
                    : gguf(Gguf.open(place, arena), home, recomputes);
        } catch (RuntimeException | Error e) {
            home.close();
            throw e;
        }
    }

    private static Model folder(Path place, Arena arena, Scope home, boolean recomputes) {
        Path file = place.resolve("config.json");
        if (!Files.exists(file))
            throw new UserError(
                    place
                            + ": there is no config.json; wanted a model's folder as Hugging Face"
                            + " lays it out");
        Tree config = Json.read(file);
        String type = config.need("model_type").text();
        return find(type, Family::modelTypes, file.toString())
                .open(config, Safetensors.openFolder(place, arena), home, recomputes);
    }

    private static Model gguf(Gguf file, Scope home, boolean recomputes) {
        String architecture = file.metadata().text("general.architecture");
        return find(architecture, Family::architectures, file.path().toString())
                .open(file, home, recomputes);
    }

    private static Family find(String name, Function<Family, Set<String>> names, String where) {
        return ALL.stream()
                .filter(f -> names.apply(f).contains(name))
                .findFirst()
                .orElseThrow(
                        () -> {
                            var known = new TreeSet<String>();
                            ALL.forEach(f -> known.addAll(names.apply(f)));
                            return new UserError(
                                    "%s: models of the family \"%s\" are not known here; known: %s"
                                            .formatted(where, name, String.join(", ", known)));
                        });
    }
}
