package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Turns the name of a model into a place on this machine: a folder, a {@code .gguf} file, {@code
 * org/name[@revision]} or {@code org/name/file.gguf[@revision]} of the hub, {@code
 * pip:PACKAGE[==VERSION]}. What is in a cache is used without asking anybody.
 */
public final class Hub {
    private final HubSettings settings;

    public Hub(HubSettings settings) {
        this.settings = settings;
    }

    /** As the process's environment says. */
    public static Hub ofEnvironment() {
        return new Hub(HubSettings.of(System.getenv()));
    }

    /**
     * Finds a model, fetching it if need be.
     *
     * @throws UserError when there is no such model, or it cannot be fetched; says what was tried
     *     and what to do
     */
    public Place resolve(String name, Progress progress) {
        var known = cached(name);
        if (known.isPresent()) return known.get();
        return switch (ModelName.of(name)) {
            case ModelName.Local local -> throw new AssertionError(local);
            case ModelName.Remote remote -> {
                if (settings.offline())
                    throw HubErrors.offline(name, settings.hubCache().toString());
                var cache = new HubCache(settings.hubCache(), remote.repository());
                var path = new HubRepository(settings, progress).fetch(remote, cache);
                yield new Place(name, path, "downloaded from " + settings.endpoint());
            }
            case ModelName.Pip pip -> {
                if (settings.offline())
                    throw HubErrors.offline(name, settings.pipCache().toString());
                var folder = new PipCache(settings).fetch(pip, progress);
                yield new Place(name, ModelFolders.below(folder, name), "fetched with pip");
            }
        };
    }

    /** Finds a model without network, Python or writing. */
    public Optional<Place> cached(String name) {
        return switch (ModelName.of(name)) {
            case ModelName.Local local ->
                    Optional.of(
                            new Place(name, ModelFolders.local(local.path()), "on this machine"));
            case ModelName.Remote remote ->
                    new HubCache(settings.hubCache(), remote.repository())
                            .find(remote)
                            .map(path -> new Place(name, path, "from the cache"));
            case ModelName.Pip pip ->
                    new PipCache(settings)
                            .find(pip)
                            .map(
                                    folder ->
                                            new Place(
                                                    name,
                                                    ModelFolders.below(folder, name),
                                                    "from the cache"));
        };
    }

    /**
     * The first of several names of one model that can be had: any that is in a cache, else each in
     * turn.
     *
     * @throws UserError when none can; says why for each
     */
    public Place firstOf(List<String> names, Progress progress) {
        for (String name : names) {
            var known = cached(name);
            if (known.isPresent()) return known.get();
        }
        var reasons = new ArrayList<String>();
        for (String name : names) {
            try {
                return resolve(name, progress);
            } catch (UserError e) {
                reasons.add(name + ": " + e.getMessage());
                progress.say(e.getMessage());
            }
        }
        throw new UserError("the model cannot be had in any way:\n" + String.join("\n", reasons));
    }
}
