package dev.gyre.config;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** The words for an I/O failure: the JDK's own messages are often just the file's name. */
public final class Reasons {
    private Reasons() {}

    /** A short clause, such as {@code no such file}. */
    public static String of(IOException e) {
        String message = e.getMessage();
        return switch (e) {
            case NoSuchFileException x -> "no such file";
            case AccessDeniedException x -> "permission denied";
            case FileAlreadyExistsException x -> "it exists already";
            case NotDirectoryException x -> "not a folder";
            default -> message == null ? e.getClass().getSimpleName() : message;
        };
    }
}
