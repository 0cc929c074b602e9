package dev.gyre.hub;

import dev.gyre.config.Json;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Models of the hub: from its cache, or fetched into it; only the files that a model needs. */
final class HubModels {
    private final Surroundings settings;
    private final HubCache cache;

    HubModels(Surroundings settings) {
        this.settings = settings;
        cache = new HubCache(settings.hubCache());
    }

    /**
     * A model that is whole in the cache. Without a tokenizer it is whole only where nobody can be
     * asked for one.
     */
    Optional<Path> cached(ModelName name) {
        try {
            Optional<Path> folder = cache.snapshot(name);
            if (name.file().isPresent())
                return folder.map(f -> f.resolve(name.file().get())).filter(Files::isRegularFile);
            Optional<Path> whole =
                    folder.filter(ModelFiles::isModel)
                            .filter(f -> settings.offline() || ModelFiles.hasTokenizer(f));
            return whole.isPresent() || !settings.offline() ? whole : onlyGguf(name);
        } catch (IOException e) {
            throw HubErrors.unreadable(settings.hubCache(), e);
        }
    }

    /** The one GGUF file of a model in the cache. The hub may have others, so it is asked first. */
    private Optional<Path> onlyGguf(ModelName name) {
        try {
            Optional<Path> folder = cache.snapshot(name);
            if (folder.isEmpty()) return Optional.empty();
            List<Path> found = ModelFiles.ggufsIn(folder.get());
            return found.size() == 1 ? Optional.of(found.getFirst()) : Optional.empty();
        } catch (IOException e) {
            throw HubErrors.unreadable(settings.hubCache(), e);
        }
    }

    /** Names of the models in the cache. */
    List<String> names() {
        try {
            return cache.names();
        } catch (IOException e) {
            return List.of(); // they only feed a hint
        }
    }

    /**
     * Fetches what is missing of a model.
     *
     * @throws UserError when it does not exist, is not allowed, or cannot be reached
     */
    Path fetch(ModelName name, Progress progress) {
        if (settings.offline()) throw HubErrors.offline(name, settings.hubCache(), names());
        List<String> files;
        String commit;
        try (var client = new HubClient(settings)) {
            // asked before the lock, so that an unreachable hub is known at once
            HttpResponse<String> answer;
            try {
                String revision = encoded(name.revision());
                answer =
                        client.ask(client.at("/api/models/" + name.id() + "/revision/" + revision));
            } catch (IOException e) {
                Optional<Path> here = name.file().isEmpty() ? onlyGguf(name) : Optional.empty();
                if (here.isPresent()) return here.get();
                throw HubErrors.unreachable(settings.endpoint(), client.proxy(), e);
            }
            if (answer.statusCode() != 200) throw refused(name, answer.statusCode());
            var about = Json.read(answer.body(), settings.endpoint() + "'s answer about " + name);
            commit = about.need("sha").text();
            if (!commit.matches("[0-9a-f]{40}"))
                throw about.need("sha").wrong("a commit, 40 hexadecimal digits");
            files = new ArrayList<>();
            for (var file : about.need("siblings").items())
                files.add(file.need("rfilename").text());
            try (var _ = ProcessLock.take(cache.lock(name), name.toString(), progress)) {
                return fill(new Fetch(client, name, commit, progress), files);
            } catch (IOException e) {
                throw HubErrors.unwritable(settings.hubCache(), e);
            }
        }
    }

    /** One run over the files of one commit. */
    private record Fetch(HubClient client, ModelName name, String commit, Progress progress) {}

    private Path fill(Fetch fetch, List<String> files) throws IOException {
        Path folder = cache.snapshot(fetch.name(), fetch.commit());
        List<String> weights = ModelFiles.weights(files);
        boolean hugging =
                files.contains(ModelFiles.CONFIG)
                        && (files.contains(ModelFiles.INDEX) || !weights.isEmpty());
        if (fetch.name().file().isPresent() || !hugging)
            return gguf(fetch, folder, ModelFiles.ggufs(files), files);
        for (String file : ModelFiles.small(files)) get(fetch, folder, file);
        Path index = folder.resolve(ModelFiles.INDEX);
        if (!weights.equals(List.of("model.safetensors")) && Files.exists(index))
            weights = ModelFiles.weightsOf(index);
        for (String file : weights) get(fetch, folder, file);
        cache.note(fetch.name(), fetch.commit());
        return folder;
    }

    /** The GGUF file that is meant, or the only one. */
    private Path gguf(Fetch fetch, Path folder, List<String> ggufs, List<String> files)
            throws IOException {
        ModelName name = fetch.name();
        if (name.file().isEmpty() && ggufs.isEmpty()) throw HubErrors.noModel(name, files);
        if (name.file().isEmpty() && ggufs.size() > 1) throw HubErrors.severalFiles(name, ggufs);
        String file = name.file().orElseGet(ggufs::getFirst);
        if (!files.contains(file)) throw HubErrors.noSuchFile(name, ggufs);
        get(fetch, folder, file);
        cache.note(name, fetch.commit());
        return folder.resolve(file);
    }

    private void get(Fetch fetch, Path folder, String file) throws IOException {
        Path shown = folder.resolve(file);
        if (Files.exists(shown)) return;
        String path = "/" + fetch.name().id() + "/resolve/" + fetch.commit() + "/" + path(file);
        String label = fetch.name().id() + "/" + file;
        HttpResponse<Void> head;
        try {
            head = fetch.client().head(fetch.client().at(path));
        } catch (IOException e) {
            throw HubErrors.unreachable(settings.endpoint(), fetch.client().proxy(), e);
        }
        if (head.statusCode() >= 400) throw HubErrors.status(label, head.statusCode(), "");
        var remote = RemoteFile.of(label, fetch.client().at(path), head);
        Path blob = cache.blob(fetch.name(), remote);
        Download.to(blob, remote, fetch.client(), fetch.progress());
        HubCache.show(blob, shown);
    }

    private UserError refused(ModelName name, int status) {
        String near = HubErrors.near(name.id(), names());
        return HubErrors.status(name.toString(), status, near);
    }

    /** A file's name with its folders. */
    private static String path(String file) {
        return Arrays.stream(file.split("/", -1))
                .map(HubModels::encoded)
                .collect(Collectors.joining("/"));
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
