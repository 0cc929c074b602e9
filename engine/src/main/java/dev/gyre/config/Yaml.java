package dev.gyre.config;

import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Optional;

/**
 * YAML 1.2 text to {@link Tree}. A doubled key is an error; numbers may be written as {@code 1e-3}.
 */
public final class Yaml {
    private static final int DEEPEST = 200;

    private Yaml() {}

    /**
     * Reads a file.
     *
     * @throws UserError when it is missing, unreadable or not YAML
     */
    public static Tree read(Path file) {
        try {
            return read(Files.readString(file), file.toString());
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
    }

    /**
     * Reads one document; an empty text is an empty map.
     *
     * @param source what to call the text in errors
     */
    public static Tree read(String text, String source) {
        var settings =
                LoadSettings.builder().setLabel(source).setMaxAliasesForCollections(16).build();
        try {
            checkDepth(settings, text, source);
            Optional<Node> root = new Compose(settings).composeString(text);
            return root.map(node -> tree(node, source, "", 0))
                    .filter(t -> !t.isNull())
                    .orElseGet(() -> new Tree(new LinkedHashMap<String, Tree>(), source, 1, ""));
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().map(m -> m.getLine() + 1).orElse(1);
            throw new UserError("%s:%d: not YAML: %s".formatted(source, line, e.getProblem()), e);
        } catch (YamlEngineException e) {
            throw new UserError(source + ": not YAML: " + e.getMessage(), e);
        }
    }

    /**
     * The library composes a document by recursion, which a hostile one could drive out of the
     * stack.
     */
    private static void checkDepth(LoadSettings settings, String text, String source) {
        int depth = 0;
        for (Event event : new Parse(settings).parseString(text)) {
            if (event instanceof CollectionStartEvent) depth++;
            if (event instanceof CollectionEndEvent) depth--;
            if (depth > DEEPEST) {
                int line = event.getStartMark().map(m -> m.getLine() + 1).orElse(0);
                throw tooDeep(source, line);
            }
        }
    }

    private static UserError tooDeep(String source, int line) {
        return new UserError(
                source + ":" + line + ": not YAML: nested more than " + DEEPEST + " levels deep");
    }

    private static Tree tree(Node node, String source, String path, int depth) {
        int line = node.getStartMark().map(m -> m.getLine() + 1).orElse(0);
        // An alias inside what it names would go on for ever.
        if (depth > DEEPEST) throw tooDeep(source, line);
        Object value =
                switch (node) {
                    case MappingNode map -> {
                        var out = new LinkedHashMap<String, Tree>();
                        for (var entry : map.getValue()) {
                            if (!(entry.getKeyNode() instanceof ScalarNode key))
                                throw new UserError(
                                        source + ":" + line + ": a key must be a plain word");
                            String name = key.getValue();
                            Tree child =
                                    tree(
                                            entry.getValueNode(),
                                            source,
                                            path.isEmpty() ? name : path + "." + name,
                                            depth + 1);
                            if (out.put(name, child) != null)
                                throw new UserError(
                                        "%s:%d: the key \"%s\" stands here twice"
                                                .formatted(source, child.line(), name));
                        }
                        yield out;
                    }
                    case SequenceNode list -> {
                        var out = new ArrayList<Tree>();
                        for (Node item : list.getValue())
                            out.add(tree(item, source, path + "[" + out.size() + "]", depth + 1));
                        yield out;
                    }
                    case ScalarNode scalar ->
                            scalar.isPlain() ? Scalars.read(scalar.getValue()) : scalar.getValue();
                    default ->
                            throw new UserError(
                                    source
                                            + ":"
                                            + line
                                            + ": this kind of YAML node is not used here");
                };
        return new Tree(value, source, line, path);
    }

    /** A value as the command line gives it: {@code 3}, {@code 1e-3}, {@code true}, or text. */
    public static @Nullable Object scalar(String text) {
        return Scalars.read(text);
    }
}
