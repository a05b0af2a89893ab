package facepredict;

/** A failure of the library. The message names the argument and the numbers. */
public final class FacePredictException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final int status;
    private final String statusName;

    FacePredictException(int status, String statusName, String message) {
        super(message);
        this.status = status;
        this.statusName = statusName;
    }

    /**
     * Returns the number in face_predict.h. 1 to 19 mean that the call was wrong, 20 to 39 the input, and 40 to 59 the
     * model.
     */
    public int status() {
        return status;
    }

    /** Returns the name of the status, such as "FACE_PREDICT_ERROR_IO". */
    public String statusName() {
        return statusName;
    }
}
