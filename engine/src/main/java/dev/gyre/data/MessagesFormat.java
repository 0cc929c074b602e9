package dev.gyre.data;

import dev.gyre.config.Tree;
import dev.gyre.text.Message;

import java.util.ArrayList;
import java.util.List;

/** Rows {@code {"messages": [{"role": "user", "content": "…"}, …]}}. */
final class MessagesFormat implements Format {
    @Override
    public String name() {
        return "messages";
    }

    @Override
    public List<String> keys() {
        return List.of("messages");
    }

    @Override
    public Example read(Tree row, KeyCheck keys) {
        var messages = new ArrayList<Message>();
        for (Tree turn : row.need("messages").items()) {
            keys.check(turn, "a message", List.of("role", "content"));
            Tree role = turn.need("role");
            if (!Message.ROLES.contains(role.text()))
                throw role.wrong("one of " + String.join(", ", Message.ROLES));
            messages.add(new Message(role.text(), turn.need("content").text()));
        }
        if (messages.isEmpty())
            throw row.need("messages").wrong("a list with at least one message");
        return new Example.Chat(messages, row.where());
    }
}
