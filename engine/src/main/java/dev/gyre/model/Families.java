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
     * @throws UserError when the files are missing, broken, or of a family that is not known here
     */
    @SuppressWarnings("MustBeClosedChecker") // the model's scope closes it
    public static Model open(Path place, Loading how) {
        Scope home = Scope.detached();
        // Weights may stay in the mapped file for as long as the model lives.
        Arena arena = Arena.ofShared();
        home.alsoCloses(arena::close);
        try {
            return Files.isDirectory(place)
                    ? folder(place, arena, home, how)
                    : gguf(Gguf.open(place, arena), home, how);
        } catch (RuntimeException | Error e) {
            home.close();
            throw e;
        }
    }

    private static Model folder(Path place, Arena arena, Scope home, Loading how) {
        Path file = place.resolve("config.json");
        if (!Files.exists(file))
            throw new UserError(
                    place
                            + ": there is no config.json; wanted a model's folder as Hugging Face"
                            + " lays it out");
        Tree config = Json.read(file);
        String type = config.need("model_type").text();
        return find(type, Family::modelTypes, file.toString())
                .open(config, Safetensors.openFolder(place, arena), home, how);
    }

    private static Model gguf(Gguf file, Scope home, Loading how) {
        String architecture = file.metadata().text("general.architecture");
        return find(architecture, Family::architectures, file.path().toString())
                .open(file, home, how);
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
