package dev.gyre.config;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Locale;

/** The words for an I/O failure: the JDK's own messages are often just the file's name. */
public final class Reasons {
    private Reasons() {}

    /** A short clause, such as {@code no such file}. */
    public static String of(IOException e) {
        String message = e.getMessage();
        return switch (e) {
            case NoSuchFileException x -> "no such file";
            case AccessDeniedException x -> "permission denied";
            case FileAlreadyExistsException x -> "a file is in the way";
            case NotDirectoryException x -> "not a folder";
            case CharacterCodingException x -> "it is not UTF-8 text";
            // Its message begins with the file's name, which may be a temporary one.
            case FileSystemException x when x.getReason() != null ->
                    x.getReason().toLowerCase(Locale.ROOT);
            default -> message == null ? e.getClass().getSimpleName() : message;
        };
    }
}
