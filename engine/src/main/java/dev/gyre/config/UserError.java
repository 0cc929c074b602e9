package dev.gyre.config;

/**
 * Something that the user can mend: wrong use, input, file, disk or network. The message says what
 * is wrong, where (file:line, flag or key), what was wanted, what was found, and what to do next.
 * The command line prints the message alone and exits with 2; a stack trace is for bugs only.
 */
public class UserError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public UserError(String message) {
        super(message);
    }

    public UserError(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
