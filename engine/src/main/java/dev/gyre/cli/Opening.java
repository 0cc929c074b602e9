package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.quant.BaseEncoding;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.List;

/** The flags of every command that loads a model with adapters. */
final class Opening {
    @Option(
            names = "--base",
            paramLabel = "MODEL",
            required = true,
            description = "Model: a folder, a .gguf file, org/name, or pip:PACKAGE.")
    private String base = "";

    @Option(
            names = "--adapter",
            paramLabel = "DIR",
            description = "Adapter; repeated, they act one after another [none].")
    private List<Path> adapters = List.of();

    @Option(
            names = "--base-encoding",
            paramLabel = "NAME",
            description = "Encoding of the base's weights: " + BaseEncoding.NAMES + " [stored].")
    private String baseEncoding = "stored";

    @Mixin private AdapterReading reading = new AdapterReading();

    /** The engine, which reads adapters as the flags say. */
    Gyre start(Common common, Shell shell) {
        return common.start(shell).reading(reading.files());
    }

    Gyre.Source source(String template) {
        return new Gyre.Source(base, adapters, template, baseEncoding);
    }

    List<Path> adapters() {
        return adapters;
    }
}
