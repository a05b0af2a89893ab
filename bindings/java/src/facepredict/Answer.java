package facepredict;

/** What a batch says of one picture: its faces, or why there are none. */
public final class Answer {
    private final Prediction prediction;
    private final FacePredictException error;

    Answer(Prediction prediction, FacePredictException error) {
        this.prediction = prediction;
        this.error = error;
    }

    /** The faces; throws the error where the picture failed. */
    public Prediction prediction() {
        if (error != null) {
            throw error;
        }
        return prediction;
    }

    /** Null where the picture did not fail. */
    public FacePredictException error() {
        return error;
    }
}
