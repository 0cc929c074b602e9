package dev.gyre.hub;

import dev.gyre.config.UserError;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The proxies that {@code HTTPS_PROXY}, {@code HTTP_PROXY}, {@code ALL_PROXY} and {@code NO_PROXY}
 * name, as curl and Python read them; the names in small letters go first. Where they say nothing,
 * Java's own settings count.
 */
final class Proxies extends ProxySelector {
    private static final int USUAL_PORT = 80;

    private final Map<String, String> environment;

    Proxies(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    /**
     * The proxy to an address; empty when the environment names none for it.
     *
     * @throws UserError when what it names is no proxy that can be used
     */
    Optional<URI> to(URI target) {
        String variable = target.getScheme().toLowerCase(Locale.ROOT) + "_proxy";
        for (String name : List.of(variable, "all_proxy")) {
            Optional<String> value = value(name);
            if (value.isPresent() && !direct(target))
                return Optional.of(address(name, value.get()));
        }
        return Optional.empty();
    }

    /** What a proxy is to be told about who asks, when its address says so. */
    static Optional<String> authorization(URI proxy) {
        return Optional.ofNullable(proxy.getUserInfo())
                .map(user -> user.getBytes(StandardCharsets.UTF_8))
                .map(user -> "Basic " + Base64.getEncoder().encodeToString(user));
    }

    /** A proxy without the name and password in it. */
    static String shown(URI proxy) {
        return "http://" + proxy.getHost() + ":" + port(proxy);
    }

    @Override
    public List<Proxy> select(@Nullable URI uri) {
        if (uri == null) throw new IllegalArgumentException("no address");
        Optional<URI> named = to(uri);
        if (named.isPresent()) {
            var at = InetSocketAddress.createUnresolved(named.get().getHost(), port(named.get()));
            return List.of(new Proxy(Proxy.Type.HTTP, at));
        }
        ProxySelector javas = ProxySelector.getDefault();
        return javas == null || direct(uri) ? List.of(Proxy.NO_PROXY) : javas.select(uri);
    }

    @Override
    public void connectFailed(
            @Nullable URI uri, @Nullable SocketAddress at, @Nullable IOException why) {
        // The request fails too, and says so.
    }

    private Optional<String> value(String name) {
        return Optional.ofNullable(environment.get(name))
                .or(() -> Optional.ofNullable(environment.get(name.toUpperCase(Locale.ROOT))))
                .map(String::strip)
                .filter(v -> !v.isEmpty());
    }

    /** Whether an address is to be reached without a proxy: it or its domain is listed. */
    private boolean direct(URI target) {
        String host = String.valueOf(target.getHost()).toLowerCase(Locale.ROOT);
        String withPort = host + ":" + target.getPort();
        return Arrays.stream(value("no_proxy").orElse("").split(",", -1))
                .map(entry -> entry.strip().toLowerCase(Locale.ROOT).replaceFirst("^\\*?\\.", ""))
                .filter(entry -> !entry.isEmpty())
                .anyMatch(
                        entry -> entry.equals("*") || under(host, entry) || under(withPort, entry));
    }

    private static boolean under(String host, String domain) {
        return host.equals(domain) || host.endsWith("." + domain);
    }

    private static int port(URI proxy) {
        return proxy.getPort() < 0 ? USUAL_PORT : proxy.getPort();
    }

    private static URI address(String variable, String text) {
        try {
            URI uri = URI.create(text.contains("://") ? text : "http://" + text);
            if ("http".equalsIgnoreCase(uri.getScheme()) && uri.getHost() != null) return uri;
        } catch (IllegalArgumentException e) {
            throw wrong(variable, e);
        }
        throw wrong(variable, null);
    }

    /** The value is not shown: it may hold a password. */
    private static UserError wrong(String variable, @Nullable Throwable cause) {
        return new UserError(
                variable.toUpperCase(Locale.ROOT)
                        + " must be the address of an HTTP proxy, such as"
                        + " http://proxy.example.org:3128; other kinds of proxy are not known here."
                        + " List the hub in NO_PROXY to reach it without one",
                cause == null ? new IllegalArgumentException(variable) : cause);
    }
}
