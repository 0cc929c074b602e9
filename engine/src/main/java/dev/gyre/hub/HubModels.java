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
import java.util.List;
import java.util.Optional;

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
            return cache.snapshot(name)
                    .filter(ModelFiles::isModel)
                    .filter(f -> settings.offline() || ModelFiles.hasTokenizer(f));
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
            var answer =
                    answer(
                            client,
                            "/api/models/" + name.id() + "/revision/" + encoded(name.revision()));
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
        if (!files.contains(ModelFiles.CONFIG)) throw HubErrors.noModel(fetch.name(), files);
        for (String file : ModelFiles.small(files)) get(fetch, folder, file);
        Path index = folder.resolve(ModelFiles.INDEX);
        List<String> weights = ModelFiles.weights(files);
        if (!weights.equals(List.of("model.safetensors")) && Files.exists(index))
            weights = ModelFiles.weightsOf(index);
        if (weights.isEmpty()) throw HubErrors.noModel(fetch.name(), files);
        for (String file : weights) get(fetch, folder, file);
        cache.note(fetch.name(), fetch.commit());
        return folder;
    }

    private void get(Fetch fetch, Path folder, String file) throws IOException {
        Path shown = folder.resolve(file);
        if (Files.exists(shown)) return;
        String path = "/" + fetch.name().id() + "/resolve/" + fetch.commit() + "/" + encoded(file);
        String label = fetch.name().id() + "/" + file;
        HttpResponse<Void> head;
        try {
            head = fetch.client().head(fetch.client().at(path));
        } catch (IOException e) {
            throw HubErrors.unreachable(settings.endpoint(), e);
        }
        if (head.statusCode() >= 400) throw HubErrors.status(label, head.statusCode(), "");
        var remote = RemoteFile.of(label, fetch.client().at(path), head);
        Path blob = cache.blob(fetch.name(), remote);
        Download.to(blob, remote, fetch.client(), fetch.progress());
        HubCache.show(blob, shown);
    }

    private HttpResponse<String> answer(HubClient client, String path) {
        try {
            return client.ask(client.at(path));
        } catch (IOException e) {
            throw HubErrors.unreachable(settings.endpoint(), e);
        }
    }

    private UserError refused(ModelName name, int status) {
        String near = HubErrors.near(name.id(), names());
        return HubErrors.status(name.toString(), status, near);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
