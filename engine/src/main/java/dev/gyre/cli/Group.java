package dev.gyre.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.util.List;

/** A command that only holds others. */
abstract class Group implements Commands.Runs {
    private final List<Commands.Runs> below;
    @Spec private CommandSpec spec = CommandSpec.create();

    Group(List<Commands.Runs> below) {
        this.below = below;
    }

    @Override
    public List<Commands.Runs> below() {
        return below;
    }

    @Override
    public Integer call() {
        throw new ParameterException(
                spec.commandLine(),
                "say which: "
                        + String.join(
                                ", ", spec.subcommands().keySet().stream().sorted().toList()));
    }
}
