package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the environment says about caches and network.
 *
 * @param hubCache the Hugging Face cache's folder of models
 * @param pipCache where wheels are unpacked
 * @param endpoint the hub's address, without a slash at its end
 * @param givenToken the token that the environment itself holds
 * @param tokenFile where {@code hf auth login} leaves one
 * @param offline true when the hub must not be asked
 * @param patience how long the hub may take to answer a question before it counts as unreachable
 * @param environment the rest, handed on to Python
 */
record Surroundings(
        Path hubCache,
        Path pipCache,
        URI endpoint,
        Optional<String> givenToken,
        Path tokenFile,
        boolean offline,
        Duration patience,
        Map<String, String> environment) {
    private static final Set<String> YES = Set.of("1", "ON", "YES", "TRUE");

    static Surroundings of(Map<String, String> environment) {
        Path home =
                Path.of(
                        text(environment, "HOME")
                                .orElseGet(() -> System.getProperty("user.home", ".")));
        Path caches = folder(environment, "XDG_CACHE_HOME", home).orElse(home.resolve(".cache"));
        Path hugging = folder(environment, "HF_HOME", home).orElse(caches.resolve("huggingface"));
        return new Surroundings(
                folder(environment, "HF_HUB_CACHE", home).orElse(hugging.resolve("hub")),
                caches.resolve("gyre").resolve("pip"),
                address(text(environment, "HF_ENDPOINT").orElse("https://huggingface.co")),
                text(environment, "HF_TOKEN"),
                folder(environment, "HF_TOKEN_PATH", home).orElse(hugging.resolve("token")),
                text(environment, "HF_HUB_OFFLINE")
                        .map(v -> YES.contains(v.toUpperCase(Locale.ROOT)))
                        .orElse(false),
                text(environment, "HF_HUB_ETAG_TIMEOUT")
                        .map(Surroundings::seconds)
                        .orElse(Duration.ofSeconds(5)),
                Map.copyOf(environment));
    }

    /**
     * A token for models that are private or need a licence accepted.
     *
     * @throws UserError when the file that should hold it cannot be read
     */
    Optional<String> token() {
        if (givenToken.isPresent() || !Files.exists(tokenFile)) return givenToken;
        try {
            return Optional.of(Files.readString(tokenFile).strip()).filter(t -> !t.isEmpty());
        } catch (IOException e) {
            throw HubErrors.unreadable(tokenFile, e);
        }
    }

    private static Optional<String> text(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name))
                .map(String::strip)
                .filter(v -> !v.isEmpty());
    }

    private static Optional<Path> folder(Map<String, String> environment, String name, Path home) {
        return text(environment, name)
                .map(
                        v ->
                                v.equals("~") || v.startsWith("~/")
                                        ? home.resolve(v.substring(1).replaceFirst("^/", ""))
                                        : Path.of(v))
                .map(Path::toAbsolutePath);
    }

    private static Duration seconds(String text) {
        try {
            return Duration.ofMillis(Math.max(1, Math.round(Double.parseDouble(text) * 1000)));
        } catch (NumberFormatException e) {
            throw new UserError(
                    "HF_HUB_ETAG_TIMEOUT must be a number of seconds, not \"" + text + "\"", e);
        }
    }

    private static URI address(String text) {
        try {
            URI uri = URI.create(text.replaceFirst("/+$", ""));
            String scheme = uri.getScheme();
            if (uri.getHost() != null && ("http".equals(scheme) || "https".equals(scheme)))
                return uri;
        } catch (IllegalArgumentException e) {
            throw wrong(text, e);
        }
        throw wrong(text, null);
    }

    private static UserError wrong(
            String text, @org.jspecify.annotations.Nullable Throwable cause) {
        String message =
                "HF_ENDPOINT must be an address such as https://hub.example.org, not \""
                        + text
                        + "\"; unset it"
                        + " to use the public hub";
        return cause == null ? new UserError(message) : new UserError(message, cause);
    }
}
