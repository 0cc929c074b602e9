package dev.gyre.cli;

import dev.gyre.Decoding;
import dev.gyre.Gyre;
import dev.gyre.Piece;
import dev.gyre.Prompt;
import dev.gyre.config.UserError;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** {@code gyre chat}. */
@Command(
        name = "chat",
        description = {
            "Talk to a model, line by line.",
            "/reset forgets what was said, /quit or the end of input leaves."
        },
        sortOptions = false)
final class Chat implements Commands.Runs {
    private final Shell shell;

    @Spec private CommandSpec spec = CommandSpec.create();
    @Mixin private Opening opening = new Opening();
    @Mixin private Common common = new Common();
    @Mixin private Asking asking = new Asking();

    Chat(Shell shell) {
        this.shell = shell;
    }

    @Override
    public void extend(CommandSpec spec) {
        Asking.extend(spec);
    }

    @Override
    public Integer call() {
        if (asking.bare())
            throw new UserError(
                    "chat needs a template; for text without one: gyre generate --template none");
        Decoding decoding = Asking.decoding(spec);
        try (Gyre.Loaded model =
                opening.start(common, shell).open(opening.source(asking.template()))) {
            talk(model, decoding);
        }
        return Exit.DONE;
    }

    private void talk(Gyre.Loaded model, Decoding decoding) {
        var lines = new BufferedReader(new InputStreamReader(shell.in(), StandardCharsets.UTF_8));
        List<Prompt.Turn> turns = opened();
        while (true) {
            shell.err().print("> ");
            shell.err().flush();
            String line = next(lines);
            if (line == null || line.strip().equals("/quit")) break;
            if (line.isBlank()) continue;
            if (line.strip().equals("/reset")) {
                turns = opened();
                continue;
            }
            turns.add(new Prompt.Turn("user", line));
            try {
                turns.add(new Prompt.Turn("assistant", answer(model, turns, decoding)));
            } catch (UserError e) {
                // Most often the conversation is longer than the model's context: the talk may go
                // on.
                turns.removeLast();
                shell.err().println(e.getMessage() + "\n(/reset forgets what was said)");
            }
        }
        if (shell.errIsTerminal()) shell.err().println();
    }

    private List<Prompt.Turn> opened() {
        return new ArrayList<>(
                asking.system().map(s -> new Prompt.Turn("system", s)).stream().toList());
    }

    private String answer(Gyre.Loaded model, List<Prompt.Turn> turns, Decoding decoding) {
        var said = new StringBuilder();
        model.generate(
                List.of(new Prompt.Chat(turns)),
                decoding,
                piece -> {
                    switch (piece) {
                        case Piece.Text(int index, String text) -> {
                            shell.out().print(text);
                            shell.flush();
                        }
                        case Piece.Done done -> {
                            shell.line("");
                            Generate.sayWhereCutOff(shell, done);
                            said.append(done.text());
                        }
                    }
                });
        return said.toString();
    }

    private static @org.jspecify.annotations.Nullable String next(BufferedReader lines) {
        try {
            return lines.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
