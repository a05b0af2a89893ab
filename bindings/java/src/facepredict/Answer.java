package facepredict;

/** The answer to one picture of a batch: its faces, or its error. */
public final class Answer {
    private final Prediction prediction;
    private final FacePredictException error;

    Answer(Prediction prediction, FacePredictException error) {
        this.prediction = prediction;
        this.error = error;
    }

    /** Returns the faces. Throws the error if the picture failed. */
    public Prediction prediction() {
        if (error != null) {
            throw error;
        }
        return prediction;
    }

    /** Returns the error, or null if the picture did not fail. */
    public FacePredictException error() {
        return error;
    }
}
