package dev.gyre.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * What a person needs to know about one component of a record that {@link Bind} fills. YAML keys,
 * flags, help texts and the manual all come from here, so nothing about a setting is written twice.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Key {
    /** What the setting does, as help shows it. */
    String value();

    /**
     * Its default as YAML would have it; without one the key must be given, unless it is optional,
     * a list or a map.
     */
    String def() default "";

    /** Words for a default that is worked out later, such as "the method's own". */
    String shown() default "";

    /**
     * What stands for its value in help, such as {@code PATH}; worked out from the type when empty.
     */
    String form() default "";

    /**
     * For a list: one text with commas between stands for several values, unless it begins with
     * {@code re:}.
     */
    boolean commas() default false;
}
