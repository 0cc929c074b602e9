package dev.gyre.cli;

import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.method.Methods;
import dev.gyre.config.Json;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code gyre methods}. */
@Command(name = "methods", description = "List the methods of adaptation and their settings.")
final class ListMethods implements Commands.Runs {
    private final Shell shell;

    @Parameters(paramLabel = "NAME", arity = "0..1", description = "One method [all].")
    private Optional<String> name = Optional.empty();

    @Option(names = "--json", description = "One JSON object a line.")
    private boolean json;

    ListMethods(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        List<MethodKind> kinds = name.map(n -> List.of(Methods.named(n))).orElse(Methods.ALL);
        for (MethodKind kind : kinds) {
            if (json) {
                Map<String, Object> row = new LinkedHashMap<>();
                row.put("name", kind.name());
                row.put("peft_type", kind.peftType());
                row.put("summary", kind.summary());
                row.put("settings", kind.settings());
                shell.line(Json.write(row));
                continue;
            }
            shell.out().println(kind.name() + ": " + kind.summary());
            kind.settings()
                    .forEach((key, about) -> shell.out().printf("    %-16s %s%n", key, about));
            shell.line("");
        }
        return Exit.DONE;
    }
}
