package facepredict;

/** A failure of the library; the message names the argument and the numbers. */
public final class FacePredictException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final int status;
    private final String statusName;

    FacePredictException(int status, String statusName, String message) {
        super(message);
        this.status = status;
        this.statusName = statusName;
    }

    /** The number in face_predict.h: 1 to 19 the call was wrong, 20 to 39 the input, 40 to 59 the model. */
    public int status() {
        return status;
    }

    /** Such as "FACE_PREDICT_ERROR_IO". */
    public String statusName() {
        return statusName;
    }
}
