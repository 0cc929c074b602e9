package dev.gyre.cli;

import dev.gyre.config.BadValue;

import picocli.CommandLine.Option;

/** The flag that says where to compute. */
final class OnDevice {
    @Option(names = "--device", paramLabel = "cpu|cuda", description = "Where to compute [cpu].")
    private String device = "cpu";

    /** {@code cpu} or {@code cuda}. */
    String name() {
        if (!device.equals("cpu") && !device.equals("cuda"))
            throw BadValue.of("--device", device, "cpu or cuda");
        return device;
    }
}
