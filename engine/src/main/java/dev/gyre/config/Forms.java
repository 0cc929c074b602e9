package dev.gyre.config;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * What stands for a value of a type in help: {@code N}, {@code X}, {@code true|false}, {@code
 * linear|constant}.
 */
final class Forms {
    private Forms() {}

    static String of(Type type) {
        if (type instanceof ParameterizedType p) return of(p.getActualTypeArguments()[0]);
        if (type == int.class || type == Integer.class || type == long.class || type == Long.class)
            return "N";
        if (type == double.class || type == Double.class) return "X";
        if (type == boolean.class || type == Boolean.class) return "true|false";
        if (type == Path.class) return "PATH";
        if (type instanceof Class<?> c && c.isEnum())
            return Arrays.stream(c.getEnumConstants())
                    .map(e -> Keys.word((Enum<?>) e))
                    .collect(Collectors.joining("|"));
        return "TEXT";
    }
}
