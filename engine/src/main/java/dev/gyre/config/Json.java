package dev.gyre.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
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

/** JSON text to {@link Tree} and plain values to JSON text. A doubled key is an error. */
public final class Json {
    private static final JsonFactory FACTORY =
            JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    private static final JsonMapper COMPACT = JsonMapper.builder().build();
    private static final ObjectWriter PRETTY = JsonMapper.builder()
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build()
            .writer()
            .with(new DefaultPrettyPrinter()
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
            if (parser.nextToken() == null) throw new UserError(source + ":" + firstLine + ": not JSON: it is empty");
            Tree tree = value(parser, source, firstLine - 1, "");
            if (parser.nextToken() != null)
                throw new UserError(source + ":" + line(parser, firstLine - 1) + ": not JSON: text after the value");
            return tree;
        } catch (JacksonException e) {
            int line = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getLineNr());
            throw new UserError("%s:%d: not JSON: %s".formatted(source, firstLine - 1 + line, e.getOriginalMessage()), e);
        }
    }

    private static int line(JsonParser parser, int before) {
        return before + parser.currentTokenLocation().getLineNr();
    }

    private static Tree value(JsonParser p, String source, int before, String path) {
        int line = line(p, before);
        Object value = switch (p.currentToken()) {
            case START_OBJECT -> {
                var map = new LinkedHashMap<String, Tree>();
                while (p.nextToken() != JsonToken.END_OBJECT) {
                    String key = p.currentName();
                    p.nextToken();
                    map.put(key, value(p, source, before, path.isEmpty() ? key : path + "." + key));
                }
                yield map;
            }
            case START_ARRAY -> {
                var list = new ArrayList<Tree>();
                while (p.nextToken() != JsonToken.END_ARRAY)
                    list.add(value(p, source, before, path + "[" + list.size() + "]"));
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

    private static Object whole(JsonParser p) {
        var big = p.getBigIntegerValue();
        return big.bitLength() < 64 ? (Object) big.longValueExact() : (Object) big.doubleValue();
    }

    /** One line of JSON for maps, lists, strings, numbers, booleans, nulls and records. */
    public static String write(@Nullable Object plain) {
        return COMPACT.writeValueAsString(plain);
    }

    /** Indented by two, keys sorted, as Python's {@code json.dumps(…, indent=2, sort_keys=True)} lays it out. */
    public static String writePretty(@Nullable Object plain) {
        return PRETTY.writeValueAsString(plain).replace("\" : ", "\": ");
    }
}
