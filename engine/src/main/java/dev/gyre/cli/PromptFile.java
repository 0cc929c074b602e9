package dev.gyre.cli;

import dev.gyre.Prompt;
import dev.gyre.config.Json;
import dev.gyre.config.NearMiss;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.text.Message;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Prompts from a jsonl file: {@code {"prompt": …}} or {@code {"messages": […]}} a line. A {@code
 * completion} may stand beside the prompt, so that held-out rows can be asked as they are.
 */
final class PromptFile {
    private static final List<String> KEYS = List.of("prompt", "completion", "messages");
    private static final List<String> MESSAGE_KEYS = List.of("role", "content");

    /** A byte order mark. */
    private static final String MARK = "\uFEFF";

    private PromptFile() {}

    /**
     * Reads a file.
     *
     * @throws UserError naming file and line
     */
    static List<Prompt> read(Path file) {
        var out = new ArrayList<Prompt>();
        try {
            int number = 0;
            for (String text : Files.readAllLines(file)) {
                number++;
                String line = number == 1 && text.startsWith(MARK) ? text.substring(1) : text;
                if (!line.isBlank()) out.add(row(Json.read(line, file.toString(), number)));
            }
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
        if (out.isEmpty()) throw new UserError(file + " holds no prompts");
        return out;
    }

    private static Prompt row(Tree row) {
        check(row, KEYS);
        if (row.get("messages").isEmpty()) return Prompt.Chat.ask(row.need("prompt").text());
        Tree messages = row.need("messages");
        if (row.get("prompt").isPresent())
            throw messages.saying("stands beside \"prompt\"; leave one of them out");
        var turns = new ArrayList<Prompt.Turn>();
        for (Tree turn : messages.items()) {
            check(turn, MESSAGE_KEYS);
            Tree role = turn.need("role");
            if (!Message.ROLES.contains(role.text()))
                throw role.wrong("one of " + String.join(", ", Message.ROLES));
            turns.add(new Prompt.Turn(role.text(), turn.need("content").text()));
        }
        // The answer of a row to train on, as a completion is.
        if (!turns.isEmpty() && turns.getLast().role().equals("assistant")) turns.removeLast();
        if (turns.isEmpty()) throw messages.wrong("at least one message before the answer");
        return new Prompt.Chat(turns);
    }

    private static void check(Tree object, List<String> known) {
        for (String key : object.entries().keySet())
            if (!known.contains(key))
                throw new UserError(
                        "%s: unknown key \"%s\"%s"
                                .formatted(object.where(), key, NearMiss.hint(key, known)));
    }
}
