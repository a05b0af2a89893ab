import facepredict.Model;

/** Loads the model, and prints what is wrong. test.sh calls it with other libraries. */
public final class Load {
    public static void main(String[] arguments) {
        for (int i = 0; i < 2; i++) {
            try (Model model = Model.loadDefault()) {
                System.out.println(model.name());
            } catch (UnsatisfiedLinkError error) {
                System.out.println("LINK " + error.getMessage());
            }
        }
    }
}
