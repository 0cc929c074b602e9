package dev.gyre.cli;

import picocli.CommandLine.Command;

import java.util.List;

/** {@code gyre eval}: what can be measured of a model. */
@Command(name = "eval", description = "Measure a model, with or without adapters.")
final class Eval extends Group {
    Eval(Shell shell) {
        super(List.of(new EvalPerplexity(shell)));
    }
}
