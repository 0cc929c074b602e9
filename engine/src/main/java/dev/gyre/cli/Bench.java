package dev.gyre.cli;

import picocli.CommandLine.Command;

import java.util.List;

/** {@code gyre bench}: measurements as JSON rows. */
@Command(name = "bench", description = "Measure this program, and others beside it.")
final class Bench extends Group {
    Bench(Shell shell) {
        super(List.of(new BenchTrain(shell), new BenchMethods(shell), new BenchPage(shell)));
    }
}
