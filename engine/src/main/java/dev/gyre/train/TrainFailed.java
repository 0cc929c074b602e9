package dev.gyre.train;

/**
 * A run that could not go on: a loss that is not a number, gradients that are all zero. The message
 * says at which step, why, and what to try. The command line prints it alone and exits with 1.
 */
public final class TrainFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TrainFailed(String message) {
        super(message);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
