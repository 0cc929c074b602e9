package dev.gyre.hub;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** What a person may call a model. */
sealed interface ModelName {
    /** A folder or file that exists. */
    record Local(Path path) implements ModelName {}

    /**
     * A model of the hub.
     *
     * @param repository {@code org/name}
     * @param revision branch, tag or commit
     * @param file a {@code .gguf} file in it; empty for the model itself
     */
    record Remote(String repository, String revision, String file) implements ModelName {}

    /**
     * A model in a Python wheel.
     *
     * @param name normalised: lower case, single hyphens
     * @param version empty for any
     */
    record Pip(String name, String version) implements ModelName {}

    Pattern REMOTE =
            Pattern.compile(
                    "(?<repo>[A-Za-z0-9][\\w.-]*/[A-Za-z0-9][\\w.-]*)(/(?<file>[A-Za-z0-9][\\w.+-]*\\.gguf))?(@(?<revision>[A-Za-z0-9][\\w./-]*))?");
    Pattern PIP =
            Pattern.compile(
                    "(?<name>[A-Za-z0-9]([\\w.-]*[A-Za-z0-9])?)(==(?<version>[A-Za-z0-9][\\w.!+]*))?");

    static ModelName of(String name) {
        if (name.startsWith("pip:")) return pip(name);
        Optional<Path> path = existing(name);
        if (path.isPresent()) return new Local(path.get());
        var remote = REMOTE.matcher(name);
        if (!remote.matches() || name.contains("..") || name.contains("--"))
            throw HubErrors.unknownName(name);
        return new Remote(
                remote.group("repo"),
                Optional.ofNullable(remote.group("revision")).orElse("main"),
                Optional.ofNullable(remote.group("file")).orElse(""));
    }

    private static Pip pip(String name) {
        var match = PIP.matcher(name.substring(4).strip());
        if (!match.matches()) throw HubErrors.badPipName(name);
        return new Pip(
                normal(match.group("name")),
                Optional.ofNullable(match.group("version")).orElse(""));
    }

    /** One spelling for all that Python takes as equal. */
    static String normal(String packageName) {
        return packageName.toLowerCase(Locale.ROOT).replaceAll("[-_.]+", "-");
    }

    private static Optional<Path> existing(String name) {
        try {
            Path path = Path.of(name);
            return !name.isBlank() && Files.exists(path) ? Optional.of(path) : Optional.empty();
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }
}
