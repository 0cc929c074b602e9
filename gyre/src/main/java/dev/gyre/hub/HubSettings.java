package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where models come from and where they are kept.
 *
 * @param endpoint the model hub's address ({@code HF_ENDPOINT})
 * @param token what it lets private models be read with ({@code HF_TOKEN}, else the file in {@code
 *     HF_HOME})
 * @param offline whether nothing may be fetched ({@code HF_HUB_OFFLINE})
 * @param hubCache Hugging Face's cache ({@code HF_HUB_CACHE}, else {@code hub} in {@code HF_HOME})
 * @param pipCache where wheels are unpacked ({@code gyre/pip} in {@code XDG_CACHE_HOME})
 * @param python the command that runs Python
 * @param patience how long a silent host may keep us waiting
 */
public record HubSettings(
        URI endpoint,
        Optional<String> token,
        boolean offline,
        Path hubCache,
        Path pipCache,
        List<String> python,
        Duration patience) {
    private static final Set<String> YES = Set.of("1", "on", "yes", "true");

    public HubSettings {
        python = List.copyOf(python);
    }

    /** As the environment says. */
    public static HubSettings of(Map<String, String> environment) {
        Path home = Path.of(System.getProperty("user.home"));
        Path caches = path(environment, "XDG_CACHE_HOME", home.resolve(".cache"));
        Path hfHome = path(environment, "HF_HOME", caches.resolve("huggingface"));
        return new HubSettings(
                endpoint(environment.getOrDefault("HF_ENDPOINT", "")),
                token(environment, hfHome),
                YES.contains(
                        environment.getOrDefault("HF_HUB_OFFLINE", "").toLowerCase(Locale.ROOT)),
                path(environment, "HF_HUB_CACHE", hfHome.resolve("hub")),
                caches.resolve("gyre").resolve("pip"),
                List.of("python3"),
                Duration.ofSeconds(5));
    }

    public HubSettings withOffline() {
        return new HubSettings(endpoint, token, true, hubCache, pipCache, python, patience);
    }

    public HubSettings withPatience(Duration patience) {
        return new HubSettings(endpoint, token, offline, hubCache, pipCache, python, patience);
    }

    HubSettings withPython(List<String> python) {
        return new HubSettings(endpoint, token, offline, hubCache, pipCache, python, patience);
    }

    private static Path path(Map<String, String> environment, String key, Path otherwise) {
        String value = environment.getOrDefault(key, "");
        return value.isEmpty() ? otherwise : Path.of(value);
    }

    private static URI endpoint(String value) {
        String address = value.isEmpty() ? "https://huggingface.co" : value.replaceAll("/+$", "");
        try {
            var uri = URI.create(address);
            if (uri.getHost() != null && Set.of("http", "https").contains(uri.getScheme()))
                return uri;
        } catch (IllegalArgumentException e) {
            throw new UserError(
                    "HF_ENDPOINT must be an address such as https://host, not \"" + value + "\"",
                    e);
        }
        throw new UserError(
                "HF_ENDPOINT must be an address such as https://host, not \"" + value + "\"");
    }

    private static Optional<String> token(Map<String, String> environment, Path hfHome) {
        String token = environment.getOrDefault("HF_TOKEN", "").strip();
        Path file = path(environment, "HF_TOKEN_PATH", hfHome.resolve("token"));
        if (token.isEmpty() && Files.isReadable(file)) {
            try {
                token = Files.readString(file).strip();
            } catch (IOException e) {
                throw HubErrors.unreadable(file, e);
            }
        }
        return token.isEmpty() ? Optional.empty() : Optional.of(token);
    }

    /** The token stays out of logs. */
    @Override
    public String toString() {
        return "HubSettings["
                + endpoint
                + (token.isPresent() ? ", token" : "")
                + (offline ? ", offline" : "")
                + "]";
    }
}
