package dev.gyre.data;

import dev.gyre.config.UserError;
import dev.gyre.text.Encoding;
import dev.gyre.text.Message;

import java.util.List;
import java.util.function.IntPredicate;

/**
 * Finds the answers of one conversation in its tokens. The conversation's beginnings are rendered:
 * the answer lies between the one that asks for it and the one that ends with it. Of what the
 * template writes there, everything up to the first special token after the answer's text is
 * learned: the text, the end of the turn, and what the model itself has to write between its prompt
 * and the text (an empty thought, say), but not the newline that follows the turn.
 */
final class Answers {
    private final Encoder.Renderer renderer;
    private final List<Message> messages;
    private final String text;
    private final Encoding tokens;
    private final String where;
    private final boolean[] learned;
    private int seen;

    private Answers(
            Encoder.Renderer renderer,
            List<Message> messages,
            String text,
            Encoding tokens,
            String where) {
        this.renderer = renderer;
        this.messages = messages;
        this.text = text;
        this.tokens = tokens;
        this.where = where;
        this.learned = new boolean[tokens.length()];
    }

    /**
     * Which tokens are learned.
     *
     * @param text the whole conversation as the template writes it
     * @param tokens the text's
     * @param ends whether a token ends turns or texts
     * @throws UserError when the template does not write the beginnings as it writes the whole
     */
    static boolean[] in(
            List<Message> messages,
            Encoder.Renderer renderer,
            String text,
            Encoding tokens,
            IntPredicate ends,
            String where) {
        var answers = new Answers(renderer, messages, text, tokens, where);
        for (int turn = 0; turn < messages.size(); turn++)
            if (messages.get(turn).role().equals("assistant")) answers.mark(turn, ends);
        return answers.learned;
    }

    private void mark(int turn, IntPredicate ends) {
        int begin = beginning(turn, true);
        int end = beginning(turn + 1, false);
        if (end < begin) throw unlike(turn);
        int textEnd = textEnd(messages.get(turn).content(), begin, end);
        // A token that lies across the beginning belongs to the prompt.
        while (seen < tokens.length() && tokens.starts()[seen] < begin) seen++;
        int first = seen;
        while (seen < tokens.length() && tokens.starts()[seen] < textEnd) seen++;
        int afterText = seen;
        for (int i = afterText; i < tokens.length() && tokens.starts()[i] < end; i++) {
            if (!ends.test(tokens.ids()[i])) continue;
            seen = i + 1;
            break;
        }
        for (int i = first; i < seen; i++) learned[i] = true;
    }

    /** How many characters of the text a beginning of the conversation takes. */
    private int beginning(int turns, boolean addGenerationPrompt) {
        if (turns == messages.size() && !addGenerationPrompt) return text.length();
        int answer = addGenerationPrompt ? turns : turns - 1;
        String start;
        try {
            start = renderer.render(messages.subList(0, turns), addGenerationPrompt);
        } catch (UserError e) {
            if (turns == 0) throw unprompted(e);
            throw new UserError(where + ": " + e.getMessage(), e);
        }
        if (text.startsWith(start)) return start.length();
        if (turns == 0) throw unprompted(unlike(answer));
        throw unlike(answer);
    }

    private UserError unprompted(UserError cause) {
        return new UserError(
                where
                        + ": the conversation begins with an answer, and the model's chat template"
                        + " writes none that nothing comes before; put a message of the user first",
                cause);
    }

    private UserError unlike(int answer) {
        return new UserError(
                ("%s: the chat template writes the beginning of this conversation differently"
                                + " once more follows, so the answer in message %d cannot be found"
                                + " in the whole; give each answer an example of its own, or"
                                + " another template: --template FILE")
                        .formatted(where, answer + 1));
    }

    /** Where the answer's own text ends; templates may trim it, or write something before it. */
    private int textEnd(String content, int begin, int end) {
        String answer = text.substring(begin, end);
        for (String form : List.of(content, content.strip())) {
            int at = answer.indexOf(form);
            if (at >= 0) return begin + at + form.length();
        }
        return begin;
    }
}
