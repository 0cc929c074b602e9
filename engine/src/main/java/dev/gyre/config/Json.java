package dev.gyre.config;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;

/** JSON text to {@link Tree} and plain values to JSON text. A doubled key is an error. */
public final class Json {
    private static final JsonFactory FACTORY =
            JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    private static final Pattern OF_THE_LIBRARY =
            Pattern.compile(" \\(start marker at .*|: enable `.*|, from `[^`]*`| \\(`[^`]*`\\)");
    private static final JsonMapper COMPACT = JsonMapper.builder().build();
    private static final ObjectWriter PRETTY =
            JsonMapper.builder()
                    .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                    .build()
                    .writer()
                    .with(
                            new DefaultPrettyPrinter()
                                    .withObjectIndenter(new DefaultIndenter("  ", "\n"))
                                    .withArrayIndenter(new DefaultIndenter("  ", "\n")));

    private Json() {}

    /**
     * Reads a file.
     *
     * @throws UserError when it is missing, unreadable or not JSON
     */
    public static Tree read(Path file) {
        try {
            return read(Files.readString(file), file.toString());
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
    }

    /**
     * Reads exactly one JSON value.
     *
     * @param source what to call the text in errors
     */
    public static Tree read(String text, String source) {
        return read(text, source, 1);
    }

    /** As {@link #read(String, String)}, for a text that begins at the given line of its source. */
    public static Tree read(String text, String source, int firstLine) {
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
            if (parser.nextToken() == null)
                throw new UserError(source + ":" + firstLine + ": not JSON: it is empty");
            Tree tree = new Walk(parser, source, firstLine - 1, Integer.MAX_VALUE).value("");
            if (parser.nextToken() != null)
                throw new UserError(
                        source
                                + ":"
                                + line(parser, firstLine - 1)
                                + ": not JSON: text after the value");
            return tree;
        } catch (JacksonException e) {
            int line = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getLineNr());
            throw new UserError(
                    "%s:%d: not JSON: %s".formatted(source, firstLine - 1 + line, plain(e)), e);
        }
    }

    /**
     * Reads an object member by member and keeps none, so that a large text of a stranger cannot
     * fill the memory.
     *
     * @param valuesEach how many values a member may hold, itself included
     * @throws UserError also when the text is not an object, or a member holds more
     */
    public static void members(
            String text, String source, int valuesEach, BiConsumer<String, Tree> each) {
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
            if (parser.nextToken() != JsonToken.START_OBJECT)
                throw new UserError(source + ":1: not a JSON object: it does not begin with \"{\"");
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String key = parser.currentName();
                parser.nextToken();
                each.accept(
                        key, new Walk(parser, source, 0, valuesEach).value(Walk.child("", key)));
            }
            if (parser.nextToken() != null)
                throw new UserError(
                        source + ":" + line(parser, 0) + ": not JSON: text after the value");
        } catch (JacksonException e) {
            int line = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getLineNr());
            throw new UserError("%s:%d: not JSON: %s".formatted(source, line, plain(e)), e);
        }
    }

    /** The library's message without what is about the library: its options and its buffers. */
    private static String plain(JacksonException e) {
        return OF_THE_LIBRARY.matcher(e.getOriginalMessage()).replaceAll("");
    }

    private static int line(JsonParser parser, int before) {
        return before + parser.currentTokenLocation().getLineNr();
    }

    /** Turns the parser's current value into a tree. */
    private static final class Walk {
        /** A longer path says no more to a reader, and every value below keeps its own. */
        private static final int MAX_PATH = 300;

        private final JsonParser p;
        private final String source;
        private final int before;
        private int left;

        Walk(JsonParser p, String source, int before, int values) {
            this.p = p;
            this.source = source;
            this.before = before;
            this.left = values;
        }

        static String child(String path, String key) {
            if (path.length() > MAX_PATH) return path;
            String cut = key.length() > MAX_PATH ? key.substring(0, MAX_PATH) + "..." : key;
            return path.isEmpty() ? cut : path + "." + cut;
        }

        Tree value(String path) {
            int line = line(p, before);
            if (--left < 0)
                throw new UserError(
                        "%s:%d: \"%s\" holds too many values".formatted(source, line, path));
            Object value =
                    switch (p.currentToken()) {
                        case START_OBJECT -> {
                            var map = new LinkedHashMap<String, Tree>();
                            while (p.nextToken() != JsonToken.END_OBJECT) {
                                String key = p.currentName();
                                p.nextToken();
                                map.put(key, value(child(path, key)));
                            }
                            yield map;
                        }
                        case START_ARRAY -> {
                            var list = new ArrayList<Tree>();
                            while (p.nextToken() != JsonToken.END_ARRAY)
                                list.add(
                                        value(
                                                path.length() > MAX_PATH
                                                        ? path
                                                        : path + "[" + list.size() + "]"));
                            yield list;
                        }
                        case VALUE_STRING -> p.getString();
                        case VALUE_NUMBER_INT -> whole(p);
                        case VALUE_NUMBER_FLOAT -> p.getDoubleValue();
                        case VALUE_TRUE -> true;
                        case VALUE_FALSE -> false;
                        default -> null;
                    };
            return new Tree(value, source, line, path);
        }
    }

    private static Object whole(JsonParser p) {
        var big = p.getBigIntegerValue();
        return big.bitLength() < 64 ? (Object) big.longValueExact() : (Object) big.doubleValue();
    }

    /** One line of JSON for maps, lists, strings, numbers, booleans, nulls and records. */
    public static String write(@Nullable Object plain) {
        return COMPACT.writeValueAsString(plain);
    }

    /**
     * Indented by two, keys sorted, as Python's {@code json.dumps(…, indent=2, sort_keys=True)}
     * lays it out.
     */
    public static String writePretty(@Nullable Object plain) {
        return PRETTY.writeValueAsString(plain).replace("\" : ", "\": ");
    }
}
