-- No identity provider matches users by telephone number: such a filter reads the document.
DELETE FROM user_values WHERE attribute = 2;
