package dev.gyre.hub;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Fetches a model of the hub into the cache: only the files that are of use here, the small ones
 * first.
 */
final class HubRepository {
    private static final int MAX_LISTING_BYTES = 1 << 26;

    private static final Pattern SMALL =
            Pattern.compile(
                    "config\\.json|generation_config\\.json|tokenizer[\\w.-]*\\.json|chat_template\\.jinja|special_tokens_map\\.json"
                        + "|added_tokens\\.json|vocab\\.json|merges\\.txt|adapter_config\\.json|model\\.safetensors\\.index\\.json");
    private static final Pattern SHARD = Pattern.compile("model-\\d+-of-\\d+\\.safetensors");
    private static final String SINGLE = "model.safetensors";
    private static final String ADAPTER = "adapter_model.safetensors";

    private final HubSettings settings;
    private final Progress progress;
    private final Http http;

    HubRepository(HubSettings settings, Progress progress) {
        this.settings = settings;
        this.progress = progress;
        this.http = new Http(settings);
    }

    /** A file as the hub lists it; the checksum is empty and the size 0 when it does not say. */
    private record Listed(String name, Optional<String> checksum, long bytes) {}

    private record Listing(String commit, List<Listed> files) {}

    Path fetch(ModelName.Remote name, HubCache cache) {
        var listing = list(name);
        List<Listed> wanted = choose(name, listing.files);
        progress.say(
                "fetching %s from %s: %d files"
                        .formatted(name.repository(), settings.endpoint(), wanted.size()));
        try (var _ = Turn.take(cache.lock())) {
            for (var file : wanted) {
                if (Files.exists(cache.snapshot(listing.commit).resolve(file.name))) continue;
                cache.show(blob(name, listing.commit, file, cache), listing.commit, file.name);
            }
            cache.remember(name.revision(), listing.commit);
        }
        return HubCache.model(cache.snapshot(listing.commit), name.file())
                .orElseThrow(
                        () ->
                                HubErrors.badAnswer(
                                        settings.endpoint(),
                                        name.repository(),
                                        "lists a model of which some shards are missing"));
    }

    private Path blob(ModelName.Remote name, String commit, Listed file, HubCache cache) {
        var there = file.checksum.map(cache.blobs()::resolve).filter(Files::exists);
        if (there.isPresent()) return there.get();
        URI uri =
                URI.create(
                        "%s/%s/resolve/%s/%s"
                                .formatted(
                                        settings.endpoint(), name.repository(), commit, file.name));
        return new Download(http, progress)
                .fetch(uri, file.name, file.checksum, file.bytes, cache.blobs());
    }

    private Listing list(ModelName.Remote name) {
        String revision = name.revision().replace("/", "%2F");
        URI uri =
                URI.create(
                        "%s/api/models/%s/revision/%s?blobs=true"
                                .formatted(settings.endpoint(), name.repository(), revision));
        byte[] body;
        try (var answer = http.get(uri, 0, settings.patience())) {
            int status = answer.status();
            if (status == 401 || status == 403)
                throw HubErrors.refused(
                        settings.endpoint(),
                        name.repository(),
                        status,
                        settings.token().isPresent());
            if (status == 404)
                throw HubErrors.unknownModel(
                        settings.endpoint(), name.repository(), name.revision());
            if (status != 200)
                throw HubErrors.badAnswer(
                        settings.endpoint(), name.repository(), "answers HTTP " + status);
            body = answer.body().readNBytes(MAX_LISTING_BYTES);
        } catch (IOException e) {
            throw HubErrors.unreachable(settings.endpoint(), name.repository(), e);
        }
        return listing(name, Json.read(new String(body, StandardCharsets.UTF_8), uri.toString()));
    }

    private Listing listing(ModelName.Remote name, Tree tree) {
        String commit = tree.need("sha").text();
        if (!commit.matches("[0-9A-Za-z]{1,64}"))
            throw HubErrors.badAnswer(settings.endpoint(), name.repository(), "names no commit");
        var files = new ArrayList<Listed>();
        for (Tree file : tree.need("siblings").items()) {
            Optional<Tree> lfs = file.get("lfs");
            Optional<String> checksum =
                    lfs.flatMap(l -> l.get("sha256"))
                            .or(() -> lfs.isPresent() ? Optional.empty() : file.get("blobId"))
                            .map(Tree::text)
                            .filter(Download::isChecksum);
            files.add(
                    new Listed(
                            file.need("rfilename").text(),
                            checksum,
                            Math.max(0, file.wholeOr("size", 0))));
        }
        return new Listing(commit, files);
    }

    private List<Listed> choose(ModelName.Remote name, List<Listed> files) {
        if (!name.file().isEmpty())
            return List.of(
                    named(files, name.file())
                            .orElseThrow(
                                    () ->
                                            new UserError(
                                                    "%s has no file %s; its .gguf files: %s"
                                                            .formatted(
                                                                    name.repository(),
                                                                    name.file(),
                                                                    ggufs(files)))));
        var wanted = new ArrayList<Listed>();
        named(files, SINGLE).ifPresent(wanted::add);
        if (wanted.isEmpty())
            files.stream().filter(f -> SHARD.matcher(f.name).matches()).forEach(wanted::add);
        if (named(files, "adapter_config.json").isPresent())
            named(files, ADAPTER).ifPresent(wanted::add);
        if (wanted.isEmpty()) return List.of(onlyGguf(name, files));
        wanted.sort(Comparator.comparing(Listed::name));
        wanted.addAll(0, files.stream().filter(f -> SMALL.matcher(f.name).matches()).toList());
        return wanted;
    }

    private static Listed onlyGguf(ModelName.Remote name, List<Listed> files) {
        var ggufs =
                files.stream().filter(f -> f.name.matches("[A-Za-z0-9][\\w.+-]*\\.gguf")).toList();
        if (ggufs.size() == 1) return ggufs.getFirst();
        if (ggufs.size() > 1)
            throw HubErrors.severalModels(
                    name.repository(),
                    ggufs(files),
                    "Name one, as in " + name.repository() + "/" + ggufs.getFirst().name + ".");
        if (files.stream().anyMatch(f -> f.name.matches(".*\\.(bin|pt|pth|ckpt)")))
            throw new UserError(
                    name.repository()
                            + " holds its weights only as Python pickles, which may run any code"
                            + " when they are read, so they are refused. Look for a revision or a"
                            + " copy with .safetensors files.");
        throw new UserError(
                name.repository()
                        + " holds no model: neither .safetensors nor .gguf files. Check the name.");
    }

    private static Optional<Listed> named(List<Listed> files, String name) {
        return files.stream().filter(f -> f.name.equals(name)).findFirst();
    }

    private static List<String> ggufs(List<Listed> files) {
        return files.stream().map(Listed::name).filter(n -> n.endsWith(".gguf")).toList();
    }
}
